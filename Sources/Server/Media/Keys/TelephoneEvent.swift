/// A key as packets carry it (RFC 4733 §2.3): four bytes of payload.
struct TelephoneEvent: Equatable {
    static let byteCount = 4
    /// 0 to 9, `*`, `#`, `A` to `D`, in the order of their numbers.
    static let keys: [Character] = Array("0123456789*#ABCD")

    var code: UInt8
    var isEnd: Bool
    /// Attenuation in dBm0 without its sign.
    var volume: UInt8 = 10
    /// How long it has lasted, in steps of the clock.
    var duration: UInt16

    init(code: UInt8, isEnd: Bool, duration: UInt16) {
        self.code = code
        self.isEnd = isEnd
        self.duration = duration
    }

    /// Reads the first event of a packet's payload; nil where it is too short.
    init?(_ packet: Span<UInt8>, _ place: Range<Int>) {
        guard place.count >= Self.byteCount, place.upperBound <= packet.count else { return nil }
        code = packet[place.lowerBound]
        isEnd = packet[place.lowerBound + 1] & 0x80 != 0
        volume = packet[place.lowerBound + 1] & 0x3F
        duration = packet.number16(at: place.lowerBound + 2)
    }

    func write(into packet: inout MutableSpan<UInt8>, at place: Int) {
        packet[place] = code
        packet[place + 1] = (isEnd ? 0x80 : 0) | volume & 0x3F
        packet.put(duration, at: place + 2)
    }

    /// The key; nil for what is none, such as a flash of the hook.
    var key: Character? { code < Self.keys.count ? Self.keys[Int(code)] : nil }

    /// The number of a key, whatever its case; nil for what is none.
    static func code(of key: Character) -> UInt8? {
        key.uppercased().first.flatMap { keys.firstIndex(of: $0) }.map { UInt8($0) }
    }
}
