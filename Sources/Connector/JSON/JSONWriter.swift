/// Writes JSON text into a buffer that can be used again.
///
/// Puts the commas itself; the caller pairs `begin…` with `end…`. Names given as literals are copied as they are (they must need no
/// escaping); all other text is escaped. UTF-8 passes through unchanged.
/// ```swift
/// var json = JSONWriter(reusing: buffer)
/// json.beginObject()
/// json.field("id", call.id)
/// json.field("answered_at", call.answeredAt)   // nil becomes null
/// json.beginArray("legs")
/// for leg in legs { json.value(leg.id) }
/// json.endArray()
/// json.endObject()
/// buffer = json.finish()
/// ```
package struct JSONWriter: Sendable {
    /// Memory that is written to; what counts are the first `count` bytes.
    private var storage: [UInt8]
    /// How many bytes have been written.
    package private(set) var count = 0
    private var needsComma = false

    /// Takes over a buffer's memory; its content is thrown away.
    package init(reusing buffer: consuming [UInt8] = []) {
        storage = buffer
    }

    /// Writes behind what the buffer holds: lines of JSON, an event of a stream.
    package init(appendingTo buffer: consuming [UInt8]) {
        count = buffer.count
        storage = buffer
    }

    /// What has been written so far.
    package var bytes: [UInt8] { Array(storage[..<count]) }

    /// Gives up the buffer.
    package consuming func finish() -> [UInt8] {
        storage.removeLast(storage.count - count)
        return storage
    }

    /// Begins anew in the same memory.
    package mutating func restart() {
        count = 0
        needsComma = false
    }

    /// Lets `read` look at what has been written, without copying.
    package func withBytes<Result>(_ read: (UnsafeRawBufferPointer) -> Result) -> Result {
        storage.withUnsafeBytes { read(UnsafeRawBufferPointer(rebasing: $0[..<count])) }
    }

    // MARK: Structure

    package mutating func beginObject() { open(UInt8(ascii: "{")) }
    package mutating func beginArray() { open(UInt8(ascii: "[")) }
    package mutating func endObject() { close(UInt8(ascii: "}")) }
    package mutating func endArray() { close(UInt8(ascii: "]")) }

    package mutating func beginObject(_ name: StaticString) {
        self.name(name)
        beginObject()
    }

    package mutating func beginArray(_ name: StaticString) {
        self.name(name)
        beginArray()
    }

    /// A member's name; its value must follow.
    package mutating func name(_ name: StaticString) {
        let length = name.utf8CodeUnitCount
        let comma = needsComma
        put(atMost: length + 4) { target in
            var end = 0
            if comma {
                target[0] = UInt8(ascii: ",")
                end = 1
            }
            target[end] = UInt8(ascii: "\"")
            (target + end + 1).update(from: name.utf8Start, count: length)
            target[end + 1 + length] = UInt8(ascii: "\"")
            target[end + 2 + length] = UInt8(ascii: ":")
            return end + 3 + length
        }
        needsComma = false
    }

    /// A name known only at run time; its value must follow.
    package mutating func name(dynamic name: String) {
        value(name)
        put(UInt8(ascii: ":"))
        needsComma = false
    }

    // MARK: Values

    package mutating func null() { word("null") }

    package mutating func value(_ flag: Bool) { word(flag ? "true" : "false") }

    package mutating func value(_ number: some FixedWidthInteger) {
        comma()
        putDigits(of: number)
    }

    /// A number that is not finite becomes null: JSON has no word for it.
    package mutating func value(_ number: Double) {
        guard number.isFinite else { return null() }
        comma()
        var text = number.description
        text.withUTF8 { put(UnsafeRawBufferPointer($0)) }
    }

    package mutating func value(_ text: String) {
        var text = text
        text.withUTF8 { value(utf8: UnsafeRawBufferPointer($0)) }
    }

    /// Text that is known to be UTF-8.
    package mutating func value(utf8 text: UnsafeRawBufferPointer) {
        comma()
        put(UInt8(ascii: "\""))
        putEscaped(text)
        put(UInt8(ascii: "\""))
    }

    /// A value that is JSON already: checked before, or written by a `JSONWriter`.
    package mutating func value(json: some Collection<UInt8>) {
        comma()
        let isContiguous: Void? = json.withContiguousStorageIfAvailable { put(UnsafeRawBufferPointer($0)) }
        if isContiguous == nil { for byte in json { put(byte) } }
    }

    // MARK: Fields

    package mutating func field(_ name: StaticString, _ text: String?) {
        self.name(name)
        if let text { value(text) } else { null() }
    }

    package mutating func field(_ name: StaticString, _ number: (some FixedWidthInteger)?) {
        self.name(name)
        if let number { value(number) } else { null() }
    }

    package mutating func field(_ name: StaticString, _ number: Double?) {
        self.name(name)
        if let number { value(number) } else { null() }
    }

    package mutating func field(_ name: StaticString, _ flag: Bool?) {
        self.name(name)
        if let flag { value(flag) } else { null() }
    }

    package mutating func field(_ name: StaticString, json: some Collection<UInt8>) {
        self.name(name)
        value(json: json)
    }

    package mutating func nullField(_ name: StaticString) {
        self.name(name)
        null()
    }

    /// A string of at most `limit` bytes that need no escaping; `write` puts them down and says how many they are.
    mutating func plainText(atMost limit: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
        comma()
        put(atMost: limit + 2) { target in
            target[0] = UInt8(ascii: "\"")
            let length = write(target + 1)
            target[1 + length] = UInt8(ascii: "\"")
            return length + 2
        }
    }

    // MARK: Bytes

    /// Makes room for `limit` bytes, lets `write` put some of them down, and counts as many as it says.
    @inline(__always)
    private mutating func put(atMost limit: Int, _ write: (UnsafeMutablePointer<UInt8>) -> Int) {
        if storage.count - count < limit { grow(by: limit) }
        let start = count
        let length = storage.withUnsafeMutableBufferPointer { buffer -> Int in
            guard let base = buffer.baseAddress else { return 0 }
            return write(base + start)
        }
        precondition(length <= limit)
        count = start + length
    }

    private mutating func grow(by limit: Int) {
        let wanted = max(256, limit, storage.count)
        storage.append(contentsOf: repeatElement(0, count: wanted))
    }

    private mutating func put(_ byte: UInt8) {
        put(atMost: 1) { target in
            target[0] = byte
            return 1
        }
    }

    private mutating func put(_ bytes: UnsafeRawBufferPointer) {
        guard let source = bytes.baseAddress, !bytes.isEmpty else { return }
        put(atMost: bytes.count) { target in
            UnsafeMutableRawPointer(target).copyMemory(from: source, byteCount: bytes.count)
            return bytes.count
        }
    }

    private mutating func comma() {
        if needsComma { put(UInt8(ascii: ",")) }
        needsComma = true
    }

    private mutating func open(_ bracket: UInt8) {
        comma()
        put(bracket)
        needsComma = false
    }

    private mutating func close(_ bracket: UInt8) {
        put(bracket)
        needsComma = true
    }

    private mutating func word(_ word: StaticString) {
        comma()
        put(UnsafeRawBufferPointer(start: word.utf8Start, count: word.utf8CodeUnitCount))
    }

    private mutating func putDigits(of number: some FixedWidthInteger) {
        withUnsafeTemporaryAllocation(of: UInt8.self, capacity: 40) { digits in
            var first = digits.count
            var rest = number.magnitude
            repeat {
                let (quotient, remainder) = rest.quotientAndRemainder(dividingBy: 10)
                first -= 1
                digits.initializeElement(at: first, to: UInt8(ascii: "0") + UInt8(truncatingIfNeeded: remainder))
                rest = quotient
            } while rest != 0
            if number < 0 {
                first -= 1
                digits.initializeElement(at: first, to: UInt8(ascii: "-"))
            }
            put(UnsafeRawBufferPointer(UnsafeBufferPointer(rebasing: digits[first...])))
        }
    }

    /// Copies plain runs whole; only what RFC 8259 §7 demands is escaped.
    private mutating func putEscaped(_ text: UnsafeRawBufferPointer) {
        var start = 0
        while start < text.count {
            var end = JSONBytes.endOfPlainRun(in: text, from: start)
            while end < text.count, text[end] >= 0x80 { end = JSONBytes.endOfPlainRun(in: text, from: end + 1) }
            put(UnsafeRawBufferPointer(rebasing: text[start..<end]))
            guard end < text.count else { return }
            putEscape(text[end])
            start = end + 1
        }
    }

    private mutating func putEscape(_ byte: UInt8) {
        put(UInt8(ascii: "\\"))
        switch byte {
        case UInt8(ascii: "\""), UInt8(ascii: "\\"): put(byte)
        case 0x08: put(UInt8(ascii: "b"))
        case 0x09: put(UInt8(ascii: "t"))
        case 0x0A: put(UInt8(ascii: "n"))
        case 0x0C: put(UInt8(ascii: "f"))
        case 0x0D: put(UInt8(ascii: "r"))
        default:
            for letter in "u00".utf8 { put(letter) }
            put(JSONBytes.hexLetter(byte >> 4))
            put(JSONBytes.hexLetter(byte & 15))
        }
    }
}
