/// A time-ordered 128-bit identifier, written as a prefix and a UUID: `call_01932f0a-7d3c-7abc-9def-0123456789ab`.
///
/// The first 48 bits are milliseconds since 1970, so that identifiers sort by age; the rest is a hash or chance.
/// Version and variant bits follow RFC 9562 (UUID version 7). `Subject` keeps a call's identifier from being taken for
/// an event's.
package struct Identifier<Subject: IdentifierSubject>: Hashable, Comparable, Sendable {
    /// The first 64 bits and the last: two words need no more room than they have bits, a `UInt128` is aligned to 16 bytes.
    package let upper: UInt64
    package let lower: UInt64

    package init(upper: UInt64, lower: UInt64) {
        self.upper = upper
        self.lower = lower
    }

    package init(bits: UInt128) {
        self.init(upper: UInt64(truncatingIfNeeded: bits >> 64), lower: UInt64(truncatingIfNeeded: bits))
    }

    package var bits: UInt128 { UInt128(upper) << 64 | UInt128(lower) }

    /// An identifier of the moment `time` whose other bits come from `rest`.
    package init(time: Instant, rest: UInt128) {
        let clock = UInt128(UInt64(bitPattern: max(0, time.milliseconds)) & 0xFFFF_FFFF_FFFF) << 80
        let tail = rest & ((1 << 80) - 1)
        self.init(bits: (clock | tail) & Self.layoutMask | Self.layoutBits)
    }

    /// An identifier below `parent` in rank: the parent's time, the rest a hash of the parent and of the part's name.
    package init<Parent>(of parent: Identifier<Parent>, kind: String, name: String) {
        var hash = StableHash()
        hash.combine(parent.upper)
        hash.combine(parent.lower)
        hash.combine(kind)
        hash.combine(name)
        self.init(time: parent.time, rest: hash.value)
    }

    /// The moment in the first 48 bits.
    package var time: Instant { Instant(milliseconds: Int64(upper >> 16)) }

    /// The last bits are a hash or chance themselves.
    package func hash(into hasher: inout Hasher) { hasher.combine(lower) }

    package static func < (left: Self, right: Self) -> Bool {
        left.upper == right.upper ? left.lower < right.lower : left.upper < right.upper
    }

    private static var layoutMask: UInt128 { ~(UInt128(0xF) << 76 | UInt128(0x3) << 62) }
    private static var layoutBits: UInt128 { UInt128(0x7) << 76 | UInt128(0x2) << 62 }
}

/// What an identifier names; gives its prefix.
package protocol IdentifierSubject: Sendable {
    static var prefix: String { get }
    /// The prefix's place in `IdentifierPrefixes.all`.
    static var prefixCode: UInt8 { get }
}

/// The prefixes in the order of the codes by which packed JSON knows them; new ones are added at the end.
enum IdentifierPrefixes {
    static let all = [
        CallSubject.prefix, EventSubject.prefix, LegSubject.prefix, ParticipantSubject.prefix, TransferSubject.prefix,
        RecordingSubject.prefix, RawSubject.prefix, CommandSubject.prefix,
    ]
}

package enum CallSubject: IdentifierSubject {
    package static let prefix = "call_"
    package static var prefixCode: UInt8 { 0 }
}
package enum EventSubject: IdentifierSubject {
    package static let prefix = "evt_"
    package static var prefixCode: UInt8 { 1 }
}
package enum LegSubject: IdentifierSubject {
    package static let prefix = "leg_"
    package static var prefixCode: UInt8 { 2 }
}
package enum ParticipantSubject: IdentifierSubject {
    package static let prefix = "par_"
    package static var prefixCode: UInt8 { 3 }
}
package enum TransferSubject: IdentifierSubject {
    package static let prefix = "trf_"
    package static var prefixCode: UInt8 { 4 }
}
package enum RecordingSubject: IdentifierSubject {
    package static let prefix = "rec_"
    package static var prefixCode: UInt8 { 5 }
}
package enum RawSubject: IdentifierSubject {
    package static let prefix = "raw_"
    package static var prefixCode: UInt8 { 6 }
}

package enum CommandSubject: IdentifierSubject {
    package static let prefix = "cmd_"
    package static var prefixCode: UInt8 { 7 }
}

package typealias CommandID = Identifier<CommandSubject>
package typealias CallID = Identifier<CallSubject>
package typealias EventID = Identifier<EventSubject>
package typealias LegID = Identifier<LegSubject>
package typealias ParticipantID = Identifier<ParticipantSubject>
package typealias TransferID = Identifier<TransferSubject>
package typealias RecordingID = Identifier<RecordingSubject>
package typealias RawID = Identifier<RawSubject>

// MARK: - Text

extension Identifier: CustomStringConvertible, LosslessStringConvertible {
    package var description: String {
        String(unsafeUninitializedCapacity: Self.textLimit) { buffer in
            buffer.baseAddress.map { write(to: $0) } ?? 0
        }
    }

    /// Reads what `description` writes; `nil` for another prefix or anything but lowercase hex in UUID layout.
    package init?(_ text: String) {
        guard text.hasPrefix(Subject.prefix), text.utf8.count == Subject.prefix.utf8.count + 36 else { return nil }
        var bits: UInt128 = 0
        for (index, byte) in text.utf8.dropFirst(Subject.prefix.utf8.count).enumerated() {
            switch (index, byte) {
            case (8, 0x2D), (13, 0x2D), (18, 0x2D), (23, 0x2D): continue
            case (8, _), (13, _), (18, _), (23, _): return nil
            case (_, 0x30...0x39): bits = bits << 4 | UInt128(byte - 0x30)
            case (_, 0x61...0x66): bits = bits << 4 | UInt128(byte - 0x61 + 10)
            default: return nil
            }
        }
        self.init(bits: bits)
    }

    /// More bytes than any prefix and a UUID have together.
    static var textLimit: Int { 48 }

    /// Writes the text form, at most `textLimit` bytes.
    /// - Returns: how many bytes it has.
    func write(to target: UnsafeMutablePointer<UInt8>) -> Int {
        var end = 0
        for byte in Subject.prefix.utf8.prefix(Self.textLimit - 36) {
            target[end] = byte
            end += 1
        }
        Self.writeHex(upper >> 32, digits: 8, to: target + end)
        Self.writeHex(upper >> 16, digits: 4, to: target + end + 9)
        Self.writeHex(upper, digits: 4, to: target + end + 14)
        Self.writeHex(lower >> 48, digits: 4, to: target + end + 19)
        Self.writeHex(lower, digits: 12, to: target + end + 24)
        target[end + 8] = 0x2D
        target[end + 13] = 0x2D
        target[end + 18] = 0x2D
        target[end + 23] = 0x2D
        return end + 36
    }

    private static func writeHex(_ number: UInt64, digits: Int, to target: UnsafeMutablePointer<UInt8>) {
        var rest = number
        var index = digits
        while index > 0 {
            index -= 1
            let digit = UInt8(truncatingIfNeeded: rest & 0xF)
            target[index] = digit < 10 ? 0x30 + digit : 0x57 + digit
            rest >>= 4
        }
    }
}
