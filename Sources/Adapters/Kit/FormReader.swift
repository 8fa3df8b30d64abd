/// Decodes `application/x-www-form-urlencoded` in one pass.
///
/// Runs without a special byte are found and copied eight bytes at a time in a `UInt64` (vector masks are slow: see the engine's
/// notes).
struct FormReader {
    private let body: UnsafeRawBufferPointer
    private let output: UnsafeMutableRawBufferPointer
    private let fieldLimit: Int
    private var position = 0
    /// At most `position`: no byte becomes more than one. So what is in bounds of the body is in bounds of the output.
    private var written = 0
    /// Of the present field: where it begins in the body and in the output, and its value's place behind the first `=`.
    private var fieldStart = 0
    private var nameStart = 0
    private var valueStart: Int?
    /// What has been found; the caller lends the memory.
    var places: [FieldTable.Place] = []

    init(_ body: UnsafeRawBufferPointer, into output: UnsafeMutableRawBufferPointer, fieldLimit: Int) {
        precondition(output.count >= body.count, "a form may become as long as its body")
        self.body = body
        self.output = output
        self.fieldLimit = fieldLimit
    }

    /// nil when the whole form is good.
    mutating func readAll() -> FieldError? {
        // A copy of its own can live in registers: what is written to the output might else be a change of `self`.
        var reader = self
        places = []
        defer { self = reader }
        return reader.readFields()
    }

    @inline(__always)
    private mutating func readFields() -> FieldError? {
        var fields = 1
        while copyPlainRun() {
            switch body[position] {
            case UInt8(ascii: "%"):
                guard takePercentCodes() else { return FieldError(.badPercent, at: position) }
            case UInt8(ascii: "&"):
                fields += 1
                guard fields <= fieldLimit else { return FieldError(.tooMany, at: position) }
                endField()
            case UInt8(ascii: "+"): put(UInt8(ascii: " "))
            case UInt8(ascii: "=") where valueStart == nil:
                valueStart = written
                position &+= 1
            case let byte: put(byte)
            }
        }
        endField()
        return nil
    }

    /// Ends the field at the present byte, which is passed over. An empty field is none; one without `=` has an empty value.
    private mutating func endField() {
        if position > fieldStart {
            places.append(
                FieldTable.Place(
                    start: UInt32(truncatingIfNeeded: nameStart), middle: UInt32(truncatingIfNeeded: valueStart ?? written),
                    end: UInt32(truncatingIfNeeded: written)))
        }
        position &+= 1
        fieldStart = position
        nameStart = written
        valueStart = nil
    }

    /// Copies up to the next byte that may mean something; false at the end of the body. What a word brings too much is overwritten.
    @inline(__always)
    private mutating func copyPlainRun() -> Bool {
        while position &+ 8 <= body.count {
            let word = UInt64(littleEndian: body.loadUnaligned(fromByteOffset: position, as: UInt64.self))
            output.storeBytes(of: word.littleEndian, toByteOffset: written, as: UInt64.self)
            let special = Self.specialBytes(of: word)
            let plain = special == 0 ? 8 : special.trailingZeroBitCount / 8
            position &+= plain
            written &+= plain
            if special != 0 { return true }
        }
        return position < body.count
    }

    /// The high bit of each `%`, `&`, `+` and `=`; exact up to the lowest, which is the one that counts.
    @inline(__always)
    private static func specialBytes(of word: UInt64) -> UInt64 {
        let ones: UInt64 = 0x0101_0101_0101_0101
        let percents = word ^ (ones &* 0x25)
        let ampersands = word ^ (ones &* 0x26)
        let pluses = word ^ (ones &* 0x2B)
        let equals = word ^ (ones &* 0x3D)
        let found =
            ((percents &- ones) & ~percents) | ((ampersands &- ones) & ~ampersands) | ((pluses &- ones) & ~pluses)
            | ((equals &- ones) & ~equals)
        return found & (ones &* 0x80)
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        output[written] = byte
        written &+= 1
        position &+= 1
    }

    /// Decodes the percent codes that follow one another here; false before one without its two digits.
    @inline(__always)
    private mutating func takePercentCodes() -> Bool {
        repeat {
            guard position &+ 2 < body.count else { return false }
            let high = Self.digit(body[position &+ 1])
            let low = Self.digit(body[position &+ 2])
            guard (high | low) < 16 else { return false }
            output[written] = high << 4 | low
            written &+= 1
            position &+= 3
        } while position < body.count && body[position] == UInt8(ascii: "%")
        return true
    }

    /// The value of a hexadecimal digit; 16 or more, in the upper bits, for any other byte.
    @inline(__always)
    private static func digit(_ byte: UInt8) -> UInt8 {
        let number = byte &- UInt8(ascii: "0")
        if number < 10 { return number }
        let letter = (byte | 0x20) &- UInt8(ascii: "a")
        return letter < 6 ? letter &+ 10 : 0xF0
    }
}
