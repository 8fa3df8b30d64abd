/// Writes packed JSON, with the same words as `JSONWriter` writes text; see `PackedJSON`.
///
/// What is written depends on the values alone, so that equal content has equal bytes. The caller pairs `begin…` with `end…` and
/// gives each member of an object its name.
package struct PackedJSONWriter: ~Copyable {
    private var bytes: UnsafeMutablePointer<UInt8>
    private var capacity: Int
    /// How many bytes have been written.
    package private(set) var count = 0
    /// Where a text or identifier of that hash was last written, plus 1; 0 where none was.
    private var texts: UnsafeMutablePointer<UInt32>
    /// Numbers of the text that were written whole.
    private var numbers: [(number: PhoneNumber, start: Int, length: Int)] = []
    /// Literals whose number was looked up before, by their address.
    private var literals: UnsafeMutablePointer<Literal>
    private let names = PackedWords.names
    private let values = PackedWords.values

    private struct Literal {
        var address: UInt
        var operation: UInt8
    }

    private static let literalSlots = 1024
    private static let shortMoments = -(Int64(1) << 47)..<(1 << 47)
    private static let textSlots = 128
    /// A text that is shorter costs as much as the distance to it.
    private static let shortestRepeat = 5

    package init() {
        capacity = 2048
        bytes = .allocate(capacity: capacity)
        texts = .allocate(capacity: Self.textSlots)
        literals = .allocate(capacity: Self.literalSlots)
        literals.initialize(repeating: Literal(address: 0, operation: 0), count: Self.literalSlots)
        restart()
    }

    deinit {
        bytes.deallocate()
        texts.deallocate()
        literals.deallocate()
    }

    /// Begins anew in the same memory.
    package mutating func restart() {
        count = 0
        put(PackedJSON.version)
        forget()
    }

    /// What follows does not refer to what was written so far: its bytes depend on itself alone.
    package mutating func forget() {
        texts.initialize(repeating: 0, count: Self.textSlots)
        numbers.removeAll(keepingCapacity: true)
    }

    /// A copy of what has been written so far.
    package var packed: [UInt8] { Array(UnsafeBufferPointer(start: bytes, count: count)) }

    /// Lets `read` look at what has been written from `start` on, without copying.
    package func withBytes<Result>(from start: Int, _ read: (UnsafeRawBufferPointer) -> Result) -> Result {
        read(UnsafeRawBufferPointer(start: bytes + start, count: count - start))
    }

    // MARK: Structure

    package mutating func beginObject() { put(PackedJSON.Operation.beginObject) }
    package mutating func endObject() { put(PackedJSON.Operation.endObject) }
    package mutating func beginArray() { put(PackedJSON.Operation.beginArray) }
    package mutating func endArray() { put(PackedJSON.Operation.endArray) }

    package mutating func beginObject(_ name: StaticString) {
        self.name(name)
        beginObject()
    }

    package mutating func beginArray(_ name: StaticString) {
        self.name(name)
        beginArray()
    }

    /// A member's name; its value must follow.
    @inline(__always)
    package mutating func name(_ name: StaticString) {
        let address = UInt(bitPattern: name.utf8Start)
        let slot = Int(truncatingIfNeeded: address) & (Self.literalSlots - 1)
        if literals[slot].address == address { return put(literals[slot].operation) }
        firstName(name, slot: slot)
    }

    /// Looks the name up, for its next time too.
    private mutating func firstName(_ name: StaticString, slot: Int) {
        let address = UInt(bitPattern: name.utf8Start)
        let text = UnsafeRawBufferPointer(start: name.utf8Start, count: name.utf8CodeUnitCount)
        guard let word = names.number(of: text) else { return put(PackedJSON.Operation.name, followedBy: text) }
        literals[slot] = Literal(address: address, operation: PackedJSON.Operation.firstName + word)
        put(literals[slot].operation)
    }

    /// A name known only at run time; its value must follow.
    package mutating func name(dynamic name: String) {
        var name = name
        name.withUTF8 { self.name(utf8: UnsafeRawBufferPointer($0)) }
    }

    private mutating func name(utf8 name: UnsafeRawBufferPointer) {
        if let word = names.number(of: name) { return put(PackedJSON.Operation.firstName + word) }
        put(PackedJSON.Operation.name, followedBy: name)
    }

    // MARK: Values

    package mutating func null() { put(PackedJSON.Operation.null) }

    package mutating func value(_ flag: Bool) { put(flag ? PackedJSON.Operation.yes : PackedJSON.Operation.no) }

    package mutating func value(_ number: Int64) {
        reserve(11)
        bytes[count] = PackedJSON.Operation.integer
        count += 1
        putVariable(UInt64(bitPattern: (number << 1) ^ (number >> 63)))
    }

    package mutating func value(_ text: String) {
        let isWritten: Void? = text.utf8.withContiguousStorageIfAvailable { value(utf8: UnsafeRawBufferPointer($0)) }
        guard isWritten == nil else { return }
        var copy = text
        copy.withUTF8 { value(utf8: UnsafeRawBufferPointer($0)) }
    }

    package mutating func value(_ moment: Instant) {
        // Six bytes reach to the year 6429.
        guard Self.shortMoments.contains(moment.milliseconds) else { return value(moment.description) }
        reserve(9)
        bytes[count] = PackedJSON.Operation.moment
        putBigEndian(UInt64(bitPattern: moment.milliseconds) << 16, at: count + 1)
        count += 7
    }

    package mutating func value<Subject>(_ id: Identifier<Subject>) {
        let (slot, known) = place(ShortText.mix(id.lower ^ id.upper))
        if let known, isIdentifier(id, at: known) { return repeatText(at: known) }
        texts[slot] = UInt32(truncatingIfNeeded: count + 1)
        reserve(18)
        bytes[count] = PackedJSON.Operation.identifier
        bytes[count + 1] = Subject.prefixCode
        putBigEndian(id.upper, at: count + 2)
        putBigEndian(id.lower, at: count + 10)
        count += 18
    }

    /// The members of a number's object; written before, it is a distance back.
    package mutating func members(of number: PhoneNumber) {
        if let known = numbers.firstIndex(where: { $0.number == number }) {
            let (start, length) = (numbers[known].start, numbers[known].length)
            let distance = count - start
            reserve(21)
            bytes[count] = PackedJSON.Operation.repeatedValues
            count += 1
            putVariable(UInt64(distance))
            return putVariable(UInt64(length))
        }
        let start = count
        number.write(to: &self)
        numbers.append((number, start, count - start))
    }

    private mutating func value(utf8 text: UnsafeRawBufferPointer) {
        let hash = ShortText.hash(text)
        if let word = values.number(of: text, hash: hash) {
            reserve(2)
            bytes[count] = PackedJSON.Operation.word
            bytes[count + 1] = word
            count += 2
            return
        }
        guard text.count >= Self.shortestRepeat else { return putText(text) }
        let (slot, known) = place(hash)
        if let known, isText(text, at: known) { return repeatText(at: known) }
        texts[slot] = UInt32(truncatingIfNeeded: count + 1)
        putText(text)
    }

    // MARK: Repeats

    private func place(_ hash: UInt64) -> (slot: Int, known: Int?) {
        let slot = Int(truncatingIfNeeded: hash >> 57)
        let entry = texts[slot]
        return (slot, entry == 0 ? nil : Int(entry) - 1)
    }

    private mutating func repeatText(at known: Int) {
        let distance = count - known
        reserve(11)
        bytes[count] = PackedJSON.Operation.repeatedText
        count += 1
        putVariable(UInt64(distance))
    }

    private func isText(_ text: UnsafeRawBufferPointer, at start: Int) -> Bool {
        let operation = bytes[start]
        guard operation == PackedJSON.Operation.plainText || operation == PackedJSON.Operation.text,
            text.count < 128, bytes[start + 1] == UInt8(text.count)
        else { return false }
        return ShortText.isSame(UnsafeRawBufferPointer(start: bytes + start + 2, count: text.count), text)
    }

    private func isIdentifier<Subject>(_ id: Identifier<Subject>, at start: Int) -> Bool {
        guard bytes[start] == PackedJSON.Operation.identifier, bytes[start + 1] == Subject.prefixCode else { return false }
        let stored = UnsafeRawPointer(bytes + start + 2)
        return UInt64(bigEndian: stored.loadUnaligned(as: UInt64.self)) == id.upper
            && UInt64(bigEndian: (stored + 8).loadUnaligned(as: UInt64.self)) == id.lower
    }

    // MARK: Bytes

    private mutating func putText(_ text: UnsafeRawBufferPointer) {
        let isPlain = JSONBytes.needsNoEscape(text)
        put(isPlain ? PackedJSON.Operation.plainText : PackedJSON.Operation.text, followedBy: text)
    }

    private mutating func put(_ operation: UInt8, followedBy text: UnsafeRawBufferPointer) {
        reserve(11 + text.count)
        bytes[count] = operation
        count += 1
        putVariable(UInt64(text.count))
        if let source = text.baseAddress {
            UnsafeMutableRawPointer(bytes + count).copyMemory(from: source, byteCount: text.count)
        }
        count += text.count
    }

    @inline(__always)
    private mutating func put(_ byte: UInt8) {
        reserve(1)
        bytes[count] = byte
        count += 1
    }

    /// LEB128; the room must have been reserved.
    private mutating func putVariable(_ number: UInt64) {
        var rest = number
        while rest >= 0x80 {
            bytes[count] = UInt8(truncatingIfNeeded: rest) | 0x80
            count += 1
            rest >>= 7
        }
        bytes[count] = UInt8(truncatingIfNeeded: rest)
        count += 1
    }

    /// Writes eight bytes, highest first; the room must have been reserved.
    @inline(__always)
    private func putBigEndian(_ number: UInt64, at start: Int) {
        UnsafeMutableRawPointer(bytes + start).storeBytes(of: number.bigEndian, as: UInt64.self)
    }

    @inline(__always)
    private mutating func reserve(_ room: Int) {
        if capacity - count < room { grow(by: room) }
    }

    private mutating func grow(by room: Int) {
        let larger = UnsafeMutablePointer<UInt8>.allocate(capacity: capacity * 2 + room)
        larger.update(from: bytes, count: count)
        bytes.deallocate()
        bytes = larger
        capacity = capacity * 2 + room
    }
}

// MARK: - Fields

extension PackedJSONWriter {
    package mutating func field(_ name: StaticString, _ text: String?) {
        self.name(name)
        if let text { value(text) } else { null() }
    }

    package mutating func field(_ name: StaticString, _ number: Int64?) {
        self.name(name)
        if let number { value(number) } else { null() }
    }

    package mutating func field(_ name: StaticString, _ number: Int?) { field(name, number.map(Int64.init)) }

    package mutating func field(_ name: StaticString, _ flag: Bool?) {
        self.name(name)
        if let flag { value(flag) } else { null() }
    }

    package mutating func field(_ name: StaticString, _ moment: Instant?) {
        self.name(name)
        if let moment { value(moment) } else { null() }
    }

    package mutating func field<Subject>(_ name: StaticString, _ id: Identifier<Subject>?) {
        self.name(name)
        if let id { value(id) } else { null() }
    }

    package mutating func field<Word: RawRepresentable>(_ name: StaticString, _ word: Word?) where Word.RawValue == String {
        field(name, word?.rawValue)
    }

    package mutating func nullField(_ name: StaticString) {
        self.name(name)
        null()
    }

    /// An array, each element written by `write`.
    package mutating func array<Element>(
        _ name: StaticString, _ elements: some Sequence<Element>, _ write: (Element, inout PackedJSONWriter) -> Void
    ) {
        beginArray(name)
        for element in elements { write(element, &self) }
        endArray()
    }

    /// An object, or null.
    package mutating func object<Value>(
        _ name: StaticString, _ value: Value?, _ write: (Value, inout PackedJSONWriter) -> Void
    ) {
        guard let value else { return nullField(name) }
        beginObject(name)
        write(value, &self)
        endObject()
    }
}
