import Connector
import Digests

/// Where a reader of a list stands. Opaque to clients: hexadecimal, with a check so that a mistyped one is told apart.
///
/// The check is not secret: a cursor grants nothing that the key does not.
enum Cursor: Equatable {
    /// The last change seen, and the tenant's horizon when the cursor was given: while that has not moved, a reader who
    /// catches up from the beginning may go on within the collapsed part.
    case change(position: Int64, horizon: Int64)
    /// The last call of a page of the call log.
    case call(startedAt: Instant, id: CallID)
    /// The last raw record of a page of the inbox.
    case inbox(position: Int64)

    /// The text that `tenant` gets to see.
    func text(for tenant: TenantID) -> String {
        var bytes: [UInt8] = []
        append(to: &bytes, for: tenant)
        return String(decoding: bytes, as: UTF8.self)
    }

    /// Appends the text to `bytes`.
    func append(to bytes: inout [UInt8], for tenant: TenantID) {
        CursorCodec(tenant: tenant).append(self, to: &bytes)
    }

    /// Reads a text; `nil` where it is none of ours or another tenant's.
    init?(_ text: String, for tenant: TenantID) {
        guard let bytes = Hex.decode(text), let cursor = CursorCodec(tenant: tenant).decode(bytes) else { return nil }
        self = cursor
    }
}

/// Writes many cursors of one tenant; hashes the tenant's name once.
struct CursorCodec {
    private static let checkLength = 3
    private let seed: StableHash

    init(tenant: TenantID) {
        var hash = StableHash()
        hash.combine("cursor")
        hash.combine(tenant.name)
        seed = hash
    }

    func append(_ cursor: Cursor, to text: inout [UInt8]) {
        let (kind, words) = Self.words(of: cursor)
        let check = check(kind, words)
        Self.append(UInt64(kind), byteCount: 1, to: &text)
        for word in words { Self.append(word.value, byteCount: word.byteCount, to: &text) }
        Self.append(check, byteCount: Self.checkLength, to: &text)
    }

    func decode(_ bytes: [UInt8]) -> Cursor? {
        guard let kind = bytes.first else { return nil }
        let lengths: [Int]
        switch kind {
        case 1: lengths = [6, 6]
        case 2: lengths = [8, 8, 8]
        case 3: lengths = [6]
        default: return nil
        }
        guard bytes.count == 1 + lengths.reduce(0, +) + Self.checkLength else { return nil }
        var rest = bytes.dropFirst()
        let words = lengths.map { count in
            defer { rest = rest.dropFirst(count) }
            return (value: Self.number(rest.prefix(count)), byteCount: count)
        }
        guard Self.number(rest) == check(kind, words) else { return nil }
        return Self.cursor(kind, words.map(\.value))
    }

    /// Positions take 48 bits: at a million changes a second they last nine years.
    private static func words(of cursor: Cursor) -> (kind: UInt8, words: [(value: UInt64, byteCount: Int)]) {
        switch cursor {
        case .change(let position, let horizon):
            (1, [(UInt64(bitPattern: position), 6), (UInt64(bitPattern: horizon), 6)])
        case .call(let startedAt, let id):
            (
                2,
                [
                    (UInt64(bitPattern: startedAt.milliseconds), 8), (UInt64(truncatingIfNeeded: id.bits >> 64), 8),
                    (UInt64(truncatingIfNeeded: id.bits), 8),
                ]
            )
        case .inbox(let position): (3, [(UInt64(bitPattern: position), 6)])
        }
    }

    private static func cursor(_ kind: UInt8, _ words: [UInt64]) -> Cursor? {
        switch kind {
        case 1: .change(position: Int64(bitPattern: words[0]), horizon: Int64(bitPattern: words[1]))
        case 2:
            .call(
                startedAt: Instant(milliseconds: Int64(bitPattern: words[0])),
                id: CallID(bits: UInt128(words[1]) << 64 | UInt128(words[2])))
        case 3: .inbox(position: Int64(bitPattern: words[0]))
        default: nil
        }
    }

    private func check(_ kind: UInt8, _ words: [(value: UInt64, byteCount: Int)]) -> UInt64 {
        var hash = seed
        hash.combine(UInt64(kind))
        for word in words { hash.combine(word.value) }
        return UInt64(truncatingIfNeeded: hash.value) & 0xFF_FFFF
    }

    private static func number(_ bytes: ArraySlice<UInt8>) -> UInt64 { bytes.reduce(0) { $0 << 8 | UInt64($1) } }

    private static func append(_ value: UInt64, byteCount: Int, to text: inout [UInt8]) {
        var shift = byteCount * 8 - 4
        while shift >= 0 {
            let digit = UInt8(truncatingIfNeeded: value >> UInt64(shift)) & 0xF
            text.append(digit < 10 ? 0x30 + digit : 0x57 + digit)
            shift -= 4
        }
    }
}
