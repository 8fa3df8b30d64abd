/// What the other side reports about itself and about what we sent (RFC 3550 §6).
struct RTCPNews: Equatable {
    /// Of its last sender report: the middle 32 bits of its NTP time.
    var senderReport: UInt32?
    /// About our source, if it says anything of it.
    var aboutUs: Block?
    var isGoodbye = false

    /// A report block.
    struct Block: Equatable {
        var fractionLost: UInt8
        /// Can be negative, where packets came twice.
        var lost: Int
        var jitter: UInt32
        /// The middle bits of our last sender report that it knows; 0 where none.
        var lastReport: UInt32
        /// Since then, in 1/65,536 s.
        var delay: UInt32
    }

    private static let maximumPackets = 16

    /// Reads a compound packet; nil where it is none or its lengths do not fit. At most 16 packets and 31 blocks each are looked at.
    init?(_ packet: Span<UInt8>, about ssrc: UInt32) {
        var place = 0
        var packets = 0
        while place < packet.count {
            guard packets < Self.maximumPackets, packet.count - place >= 4, packet[place] >> 6 == 2 else { return nil }
            let end = place + 4 + Int(packet.number16(at: place + 2)) * 4
            guard end <= packet.count else { return nil }
            read(packet, place, end, ssrc)
            place = end
            packets += 1
        }
        guard packets > 0 else { return nil }
    }

    private mutating func read(_ packet: Span<UInt8>, _ place: Int, _ end: Int, _ ssrc: UInt32) {
        let count = Int(packet[place] & 0x1F)
        switch packet[place + 1] {
        case 200 where end - place >= 28:
            senderReport = packet.number32(at: place + 10)
            readBlocks(packet, place + 28, end, count, ssrc)
        case 201 where end - place >= 8: readBlocks(packet, place + 8, end, count, ssrc)
        case 203: isGoodbye = true
        default: break
        }
    }

    private mutating func readBlocks(_ packet: Span<UInt8>, _ start: Int, _ end: Int, _ count: Int, _ ssrc: UInt32) {
        for index in 0..<count {
            let place = start + index * 24
            guard place + 24 <= end else { return }
            guard packet.number32(at: place) == ssrc else { continue }
            let lost = Int32(bitPattern: packet.number32(at: place + 4) << 8) >> 8
            aboutUs = Block(
                fractionLost: packet[place + 4], lost: Int(lost), jitter: packet.number32(at: place + 12),
                lastReport: packet.number32(at: place + 16), delay: packet.number32(at: place + 20))
        }
    }

    /// The time there and back in 1/65,536 s, where its block allows to tell (RFC 3550 §6.4.1).
    /// - Parameter now: the middle bits of our NTP time.
    func roundTrip(at now: UInt32) -> UInt32? {
        guard let aboutUs, aboutUs.lastReport != 0 else { return nil }
        let trip = RTPSequence.distance(from: aboutUs.lastReport &+ aboutUs.delay, to: now)
        return trip >= 0 ? UInt32(trip) : nil
    }
}
