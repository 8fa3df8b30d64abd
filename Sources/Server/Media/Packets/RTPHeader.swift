/// The head of an RTP packet (RFC 3550 §5.1), and where its payload lies.
struct RTPHeader: Equatable {
    /// Of a head with no list of contributors and no extension: the only one that is written.
    static let byteCount = 12

    var payloadType: UInt8
    var marker: Bool
    var sequence: UInt16
    var timestamp: UInt32
    var ssrc: UInt32
    /// The payload's place in the packet, without padding; at least `byteCount` from its start.
    var payload: Range<Int>

    /// Reads a packet; nil where it is none: another version, or lengths that do not fit.
    init?(_ packet: Span<UInt8>) {
        guard packet.count >= Self.byteCount, packet[0] >> 6 == 2 else { return nil }
        let first = packet[0]
        var start = Self.byteCount + Int(first & 0x0F) * 4
        if first & 0x10 != 0 {
            guard packet.count >= start + 4 else { return nil }
            start += 4 + Int(packet.number16(at: start + 2)) * 4
        }
        var end = packet.count
        if first & 0x20 != 0 {
            let padding = Int(packet[end - 1])
            guard padding > 0 else { return nil }
            end -= padding
        }
        guard start <= end else { return nil }
        payloadType = packet[1] & 0x7F
        marker = packet[1] & 0x80 != 0
        sequence = packet.number16(at: 2)
        timestamp = packet.number32(at: 4)
        ssrc = packet.number32(at: 8)
        payload = start..<end
    }

    init(payloadType: UInt8, marker: Bool = false, sequence: UInt16, timestamp: UInt32, ssrc: UInt32, payloadByteCount: Int) {
        self.payloadType = payloadType
        self.marker = marker
        self.sequence = sequence
        self.timestamp = timestamp
        self.ssrc = ssrc
        payload = Self.byteCount..<Self.byteCount + payloadByteCount
    }

    /// Writes the head into the twelve bytes before the payload.
    /// - Returns: the packet's place: head and payload. Whatever lay before, contributors and extensions, is left out.
    func write(into packet: inout MutableSpan<UInt8>) -> Range<Int> {
        let start = payload.lowerBound - Self.byteCount
        packet[start] = 0x80
        packet[start + 1] = (marker ? 0x80 : 0) | payloadType
        packet.put(sequence, at: start + 2)
        packet.put(timestamp, at: start + 4)
        packet.put(ssrc, at: start + 8)
        return start..<payload.upperBound
    }

    /// Whether what came to a port of RTP is RTCP (RFC 5761 §4).
    static func isRTCP(_ packet: Span<UInt8>) -> Bool { packet.count >= 2 && (192...223).contains(packet[1]) }
}
