/// The headers of a message of the Asterisk Manager Interface, in their order; names may repeat.
struct AsteriskFields: Sendable, Equatable {
    private(set) var items: [(name: String, value: String)] = []

    init() {}

    init(_ items: KeyValuePairs<String, String>) { for item in items { add(item.key, item.value) } }

    mutating func add(_ name: String, _ value: String) { items.append((name, value)) }

    mutating func add(_ fields: AsteriskFields) { items += fields.items }

    /// The first header of that name, however it is written; empty where it has no value.
    subscript(name: String) -> String? {
        let wanted = name.lowercased()
        return items.first { $0.name.lowercased() == wanted }?.value
    }

    /// All headers of that name.
    func all(_ name: String) -> [String] { items.filter { $0.name.lowercased() == name.lowercased() }.map(\.value) }

    static func == (left: Self, right: Self) -> Bool {
        left.items.elementsEqual(right.items) { $0.name == $1.name && $0.value == $1.value }
    }

    /// The message as it goes over the wire, with the empty line that ends it.
    var bytes: [UInt8] {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(items.reduce(2) { $0 + $1.name.utf8.count + $1.value.utf8.count + 4 })
        for item in items {
            bytes += item.name.utf8
            bytes += [0x3A, 0x20]
            bytes += item.value.utf8
            bytes += [0x0D, 0x0A]
        }
        bytes += [0x0D, 0x0A]
        return bytes
    }
}

/// Cuts what a client sends into actions. A bare line feed ends a line too, as it does for Asterisk.
struct AsteriskActionReader: Sendable {
    private static let longestLine = 1024
    private static let mostHeaders = 128

    enum Found: Sendable, Equatable {
        case action(AsteriskFields)
        /// The message that Asterisk answers with.
        case refused(String)
    }

    private var line: [UInt8] = []
    private var fields = AsteriskFields()
    private var refusal: String?

    /// Takes bytes, however they were cut on their way.
    mutating func read(_ bytes: some Sequence<UInt8>) -> [Found] {
        var found: [Found] = []
        for byte in bytes {
            guard byte == 0x0A else {
                if line.count <= Self.longestLine { line.append(byte) }
                continue
            }
            if let one = endLine() { found.append(one) }
        }
        return found
    }

    private mutating func endLine() -> Found? {
        if line.last == 0x0D { line.removeLast() }
        defer { line.removeAll(keepingCapacity: true) }
        guard !line.isEmpty else { return endAction() }
        if line.count >= Self.longestLine {
            refusal = "Failed to parse message: line too long"
        } else if fields.items.count >= Self.mostHeaders {
            refusal = "Too many lines in message or allocation failure"
        } else if let colon = line.firstIndex(of: 0x3A) {
            let value = line[(colon + 1)...].drop { $0 == 0x20 }
            fields.add(String(decoding: line[..<colon], as: UTF8.self), String(decoding: value, as: UTF8.self))
        }
        return nil
    }

    private mutating func endAction() -> Found? {
        defer {
            fields = AsteriskFields()
            refusal = nil
        }
        if let refusal { return .refused(refusal) }
        return fields.items.isEmpty ? nil : .action(fields)
    }
}
