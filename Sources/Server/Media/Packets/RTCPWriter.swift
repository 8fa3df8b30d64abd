/// Our own reports: what we sent, what came, and at the end a goodbye (RFC 3550 §6).
struct RTCPWriter {
    /// The source we send as.
    var ssrc: UInt32
    /// A name that means nothing to others (RFC 7022).
    var name: [UInt8]

    /// What we have sent, where we have since the last report.
    struct Sending: Equatable {
        /// NTP time: seconds since 1900 and fractions.
        var time: UInt64
        /// The same moment on the clock of the stream.
        var timestamp: UInt32
        var packets: UInt32
        var bytes: UInt32
    }

    /// What has come from one source.
    struct Receiving: Equatable {
        var ssrc: UInt32
        var fractionLost: UInt8
        var lost: Int
        var highest: UInt32
        var jitter: UInt32
        /// Of the last sender report that came, and how long ago in 1/65,536 s; zeros where none came.
        var lastReport: UInt32
        var delay: UInt32
    }

    /// A compound packet: report, name, and where it is the last one a goodbye.
    func packet(sending: Sending?, receiving: Receiving?, isGoodbye: Bool = false) -> [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(128)
        appendReport(sending, receiving, to: &bytes)
        appendName(to: &bytes)
        if isGoodbye { appendHead(count: 1, type: 203, words: 1, to: &bytes) }
        if isGoodbye { bytes.append(ssrc) }
        return bytes
    }

    /// Seconds since 1900 and fractions, of nanoseconds since 1970.
    static func networkTime(ofNanoseconds nanoseconds: Int64) -> UInt64 {
        let (seconds, rest) = max(0, nanoseconds).quotientAndRemainder(dividingBy: 1_000_000_000)
        let fraction = (UInt64(rest) << 32) / 1_000_000_000
        return UInt64(UInt32(truncatingIfNeeded: seconds &+ 2_208_988_800)) << 32 | fraction
    }

    /// The middle bits of an NTP time, as reports repeat them.
    static func middle(of time: UInt64) -> UInt32 { UInt32(truncatingIfNeeded: time >> 16) }

    private func appendReport(_ sending: Sending?, _ receiving: Receiving?, to bytes: inout [UInt8]) {
        let blocks: UInt8 = receiving == nil ? 0 : 1
        appendHead(
            count: blocks, type: sending == nil ? 201 : 200, words: (sending == nil ? 1 : 6) + UInt16(blocks) * 6, to: &bytes)
        bytes.append(ssrc)
        if let sending {
            bytes.append(UInt32(truncatingIfNeeded: sending.time >> 32))
            bytes.append(UInt32(truncatingIfNeeded: sending.time))
            bytes.append(sending.timestamp)
            bytes.append(sending.packets)
            bytes.append(sending.bytes)
        }
        guard let receiving else { return }
        let lost = UInt32(bitPattern: Int32(max(-0x80_0000, min(0x7F_FFFF, receiving.lost)))) & 0xFF_FFFF
        bytes.append(receiving.ssrc)
        bytes.append(UInt32(receiving.fractionLost) << 24 | lost)
        for number in [receiving.highest, receiving.jitter, receiving.lastReport, receiving.delay] { bytes.append(number) }
    }

    private func appendName(to bytes: inout [UInt8]) {
        let name = name.prefix(255)
        // One chunk: the source, CNAME, and one to four zeros up to a whole word.
        let itemBytes = 2 + name.count
        let words = (itemBytes + 4) / 4
        appendHead(count: 1, type: 202, words: UInt16(1 + words), to: &bytes)
        bytes.append(ssrc)
        bytes += [1, UInt8(name.count)] + name
        bytes += [UInt8](repeating: 0, count: words * 4 - itemBytes)
    }

    private func appendHead(count: UInt8, type: UInt8, words: UInt16, to bytes: inout [UInt8]) {
        bytes += [0x80 | count, type]
        bytes.append(words)
    }
}
