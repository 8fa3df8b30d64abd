/// Numbers in network order. The places are checked: one that does not fit is a mistake of ours and ends the process.
extension Span<UInt8> {
    func number16(at place: Int) -> UInt16 { UInt16(self[place]) << 8 | UInt16(self[place + 1]) }

    func number32(at place: Int) -> UInt32 { UInt32(number16(at: place)) << 16 | UInt32(number16(at: place + 2)) }
}

extension MutableSpan<UInt8> {
    mutating func put(_ number: UInt16, at place: Int) {
        self[place] = UInt8(truncatingIfNeeded: number >> 8)
        self[place + 1] = UInt8(truncatingIfNeeded: number)
    }

    mutating func put(_ number: UInt32, at place: Int) {
        put(UInt16(truncatingIfNeeded: number >> 16), at: place)
        put(UInt16(truncatingIfNeeded: number), at: place + 2)
    }
}

extension [UInt8] {
    mutating func append(_ number: UInt16) {
        append(contentsOf: [UInt8(truncatingIfNeeded: number >> 8), UInt8(truncatingIfNeeded: number)])
    }

    mutating func append(_ number: UInt32) {
        append(UInt16(truncatingIfNeeded: number >> 16))
        append(UInt16(truncatingIfNeeded: number))
    }
}
