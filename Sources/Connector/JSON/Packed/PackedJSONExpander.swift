/// Turns packed JSON into the text it stands for. Keeps its memory between texts; used by one thread.
///
/// Bytes from a file are not trusted: whatever they are, reading stays within them, and what cannot be meant is `Damage`.
package final class PackedJSONExpander {
    private var text: UnsafeMutablePointer<UInt8>
    private var capacity = 16384
    private var count = 0
    private var needsComma = false
    private let names = PackedWords.names
    private let values = PackedWords.values

    /// Repeats could make a short text long without bound.
    private static let limit = 64 << 20

    package init() { text = .allocate(capacity: capacity) }

    deinit { text.deallocate() }

    /// The JSON text of `packed`. A text that is not packed (it begins with `{` or `[`) comes back as it is.
    package func expand(_ packed: [UInt8]) throws(PackedJSON.Damage) -> [UInt8] {
        try packed.withUnsafeBytes { bytes in Result { () throws(PackedJSON.Damage) in try expand(bytes) } }.get()
    }

    package func expand(_ packed: UnsafeRawBufferPointer) throws(PackedJSON.Damage) -> [UInt8] {
        guard let first = packed.first else { throw PackedJSON.Damage(offset: 0, problem: "it is empty") }
        if first == UInt8(ascii: "{") || first == UInt8(ascii: "[") { return Array(packed) }
        guard first == PackedJSON.version else {
            throw PackedJSON.Damage(offset: 0, problem: "version \(first) is not known; a newer program may have written it")
        }
        count = 0
        needsComma = false
        try play(packed, from: 1, to: packed.count, isRepeat: false)
        return Array(UnsafeBufferPointer(start: text, count: count))
    }

    // MARK: Operations

    /// Writes the text of the operations in `start..<end`. What is repeated does not repeat values itself, so nothing goes deeper.
    private func play(
        _ packed: UnsafeRawBufferPointer, from start: Int, to end: Int, isRepeat: Bool
    ) throws(PackedJSON.Damage) {
        typealias Operation = PackedJSON.Operation
        var reader = PackedJSONReader(bytes: packed, position: start, end: end)
        while reader.position < end {
            let at = reader.position
            guard count <= Self.limit else { throw PackedJSON.Damage(offset: at, problem: "its text has more than 64 MB") }
            let operation = try reader.byte()
            if operation >= Operation.firstName {
                try putName(word: Int(operation - Operation.firstName), at: at)
                continue
            }
            switch operation {
            case Operation.beginObject: open(UInt8(ascii: "{"))
            case Operation.beginArray: open(UInt8(ascii: "["))
            case Operation.endObject: close(UInt8(ascii: "}"))
            case Operation.endArray: close(UInt8(ascii: "]"))
            case Operation.null: word("null")
            case Operation.yes: word("true")
            case Operation.no: word("false")
            case Operation.integer: try putInteger(&reader)
            case Operation.moment: try putMoment(&reader)
            case Operation.word: try putWord(&reader)
            case Operation.plainText, Operation.text, Operation.identifier: try putText(operation, &reader)
            case Operation.repeatedText: try repeatText(&reader, at: at)
            case Operation.name: try putName(&reader)
            case Operation.repeatedValues where !isRepeat: try repeatValues(&reader, at: at)
            default: throw PackedJSON.Damage(offset: at, problem: "operation \(operation) is not known")
            }
        }
    }

    private func repeatText(_ reader: inout PackedJSONReader, at place: Int) throws(PackedJSON.Damage) {
        let start = try reader.place(before: place)
        var earlier = PackedJSONReader(bytes: reader.bytes, position: start, end: place)
        try putText(try earlier.byte(), &earlier)
    }

    private func repeatValues(_ reader: inout PackedJSONReader, at place: Int) throws(PackedJSON.Damage) {
        let start = try reader.place(before: place)
        let length = try reader.number()
        guard length <= UInt64(place - start) else {
            throw PackedJSON.Damage(offset: place, problem: "what it repeats does not end before it")
        }
        try play(reader.bytes, from: start, to: start + Int(length), isRepeat: true)
    }

    // MARK: Values

    private func putText(_ operation: UInt8, _ reader: inout PackedJSONReader) throws(PackedJSON.Damage) {
        switch operation {
        case PackedJSON.Operation.plainText: putQuoted(try reader.text())
        case PackedJSON.Operation.text: putEscaped(try reader.text())
        case PackedJSON.Operation.identifier: try putIdentifier(&reader)
        default: throw PackedJSON.Damage(offset: reader.position - 1, problem: "what it repeats is no text")
        }
    }

    private func putInteger(_ reader: inout PackedJSONReader) throws(PackedJSON.Damage) {
        let zigzag = try reader.number()
        var rest = zigzag >> 1
        let isNegative = zigzag & 1 == 1
        if isNegative { rest += 1 }
        reserve(24)
        comma()
        if isNegative {
            text[count] = UInt8(ascii: "-")
            count += 1
        }
        var divisor: UInt64 = 1
        while rest / divisor >= 10 { divisor *= 10 }
        while divisor > 0 {
            text[count] = 0x30 + UInt8(truncatingIfNeeded: rest / divisor)
            count += 1
            rest %= divisor
            divisor /= 10
        }
    }

    private func putMoment(_ reader: inout PackedJSONReader) throws(PackedJSON.Damage) {
        let bits = try reader.bigEndian(bytes: 6)
        reserve(Instant.textLength + 3)
        comma()
        text[count] = UInt8(ascii: "\"")
        let length = Instant(milliseconds: Int64(bitPattern: bits << 16) >> 16).writeRFC3339(to: text + count + 1)
        text[count + 1 + length] = UInt8(ascii: "\"")
        count += length + 2
    }

    private func putIdentifier(_ reader: inout PackedJSONReader) throws(PackedJSON.Damage) {
        let at = reader.position
        let code = Int(try reader.byte())
        let upper = try reader.bigEndian(bytes: 8)
        let bits = UInt128(upper) << 64 | UInt128(try reader.bigEndian(bytes: 8))
        reserve(CallID.textLimit + 3)
        comma()
        text[count] = UInt8(ascii: "\"")
        let length: Int
        switch code {
        case Int(CallSubject.prefixCode): length = CallID(bits: bits).write(to: text + count + 1)
        case Int(EventSubject.prefixCode): length = EventID(bits: bits).write(to: text + count + 1)
        case Int(LegSubject.prefixCode): length = LegID(bits: bits).write(to: text + count + 1)
        case Int(ParticipantSubject.prefixCode): length = ParticipantID(bits: bits).write(to: text + count + 1)
        case Int(TransferSubject.prefixCode): length = TransferID(bits: bits).write(to: text + count + 1)
        case Int(RecordingSubject.prefixCode): length = RecordingID(bits: bits).write(to: text + count + 1)
        case Int(RawSubject.prefixCode): length = RawID(bits: bits).write(to: text + count + 1)
        case Int(CommandSubject.prefixCode): length = CommandID(bits: bits).write(to: text + count + 1)
        default: throw PackedJSON.Damage(offset: at, problem: "identifier of kind \(code) is not known")
        }
        text[count + 1 + length] = UInt8(ascii: "\"")
        count += length + 2
    }

    private func putWord(_ reader: inout PackedJSONReader) throws(PackedJSON.Damage) {
        let at = reader.position
        guard let word = values.word(Int(try reader.byte())) else {
            throw PackedJSON.Damage(offset: at, problem: "the word is not known; a newer program may have written it")
        }
        values.bytes.withUnsafeBytes { putQuoted(UnsafeRawBufferPointer(rebasing: $0[word])) }
    }

    // MARK: Names

    private func putName(word number: Int, at place: Int) throws(PackedJSON.Damage) {
        guard let word = names.word(number) else {
            throw PackedJSON.Damage(offset: place, problem: "the name is not known; a newer program may have written it")
        }
        names.bytes.withUnsafeBytes { putQuoted(UnsafeRawBufferPointer(rebasing: $0[word])) }
        endName()
    }

    private func putName(_ reader: inout PackedJSONReader) throws(PackedJSON.Damage) {
        putEscaped(try reader.text())
        endName()
    }

    private func endName() {
        reserve(1)
        text[count] = UInt8(ascii: ":")
        count += 1
        needsComma = false
    }

    // MARK: Bytes

    private func putQuoted(_ source: UnsafeRawBufferPointer) {
        reserve(source.count + 3)
        comma()
        text[count] = UInt8(ascii: "\"")
        if let base = source.baseAddress {
            UnsafeMutableRawPointer(text + count + 1).copyMemory(from: base, byteCount: source.count)
        }
        text[count + 1 + source.count] = UInt8(ascii: "\"")
        count += source.count + 2
    }

    /// The rare text with quotes, backslashes or control bytes: `JSONWriter` knows how.
    private func putEscaped(_ source: UnsafeRawBufferPointer) {
        var json = JSONWriter()
        json.value(utf8: source)
        reserve(json.count + 1)
        comma()
        json.withBytes {
            if let base = $0.baseAddress {
                (text + count).update(from: base.assumingMemoryBound(to: UInt8.self), count: $0.count)
            }
        }
        count += json.count
    }

    private func open(_ bracket: UInt8) {
        reserve(2)
        comma()
        text[count] = bracket
        count += 1
        needsComma = false
    }

    private func close(_ bracket: UInt8) {
        reserve(1)
        text[count] = bracket
        count += 1
        needsComma = true
    }

    private func word(_ word: StaticString) {
        reserve(word.utf8CodeUnitCount + 1)
        comma()
        (text + count).update(from: word.utf8Start, count: word.utf8CodeUnitCount)
        count += word.utf8CodeUnitCount
    }

    /// The room for it must have been reserved.
    @inline(__always)
    private func comma() {
        if needsComma {
            text[count] = UInt8(ascii: ",")
            count += 1
        }
        needsComma = true
    }

    @inline(__always)
    private func reserve(_ room: Int) {
        if capacity - count < room { grow(by: room) }
    }

    private func grow(by room: Int) {
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2 + room)
        larger.update(from: text, count: count)
        text.deallocate()
        text = larger
        capacity = capacity * 2 + room
    }
}

/// Reads what belongs to an operation, never beyond `end`.
private struct PackedJSONReader {
    let bytes: UnsafeRawBufferPointer
    var position: Int
    let end: Int

    @inline(__always)
    mutating func byte() throws(PackedJSON.Damage) -> UInt8 {
        guard position < end else { throw cutShort }
        defer { position += 1 }
        return bytes[position]
    }

    /// LEB128, at most 64 bits.
    mutating func number() throws(PackedJSON.Damage) -> UInt64 {
        var number: UInt64 = 0
        var shift: UInt64 = 0
        while shift < 64 {
            let next = try byte()
            number |= UInt64(next & 0x7F) << shift
            if next < 0x80 { return number }
            shift += 7
        }
        throw PackedJSON.Damage(offset: position, problem: "a number has too many bytes")
    }

    mutating func bigEndian(bytes length: Int) throws(PackedJSON.Damage) -> UInt64 {
        guard end - position >= length else { throw cutShort }
        var number: UInt64 = 0
        for index in position..<position + length { number = number << 8 | UInt64(bytes[index]) }
        position += length
        return number
    }

    /// A length and as many bytes.
    mutating func text() throws(PackedJSON.Damage) -> UnsafeRawBufferPointer {
        let length = try number()
        guard length <= UInt64(end - position) else { throw cutShort }
        defer { position += Int(length) }
        return UnsafeRawBufferPointer(rebasing: bytes[position..<position + Int(length)])
    }

    /// The place that lies a distance back from `place`.
    mutating func place(before place: Int) throws(PackedJSON.Damage) -> Int {
        let distance = try number()
        guard distance > 0, distance < UInt64(place) else {
            throw PackedJSON.Damage(offset: place, problem: "it repeats what lies before the beginning")
        }
        return place - Int(distance)
    }

    private var cutShort: PackedJSON.Damage { PackedJSON.Damage(offset: position, problem: "it is cut short") }
}
