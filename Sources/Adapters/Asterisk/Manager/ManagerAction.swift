/// Something that the server is asked to do: `Action: Ping`.
///
/// A line end in a value would begin a header, two of them another action that is carried out: whoever sends a value that somebody else
/// chose must not be able to write one.
struct ManagerAction: Sendable {
    let name: String
    private(set) var fields: [(key: String, value: String)] = []

    init(_ name: String) { self.name = name }

    init(_ name: String, _ fields: [(key: String, value: String?)]) {
        self.name = name
        self.fields = fields.compactMap { field in field.value.map { (field.key, $0) } }
    }

    mutating func add(_ key: String, _ value: String) { fields.append((key, value)) }

    /// The action as it is sent, named `id`; `nil` where a value cannot be: it holds a line's end or a NUL, or is longer than the server
    /// reads (1,024 bytes a line, 128 lines).
    func bytes(id: String) -> [UInt8]? {
        let lines = [("Action", name), ("ActionID", id)] + fields.map { ($0.key, $0.value) }
        guard lines.count <= 128, lines.allSatisfy({ Self.isSafe($0.1) && $0.0.utf8.count + $0.1.utf8.count <= 1000 }) else {
            return nil
        }
        return ManagerMessage.text(lines.map { (key: $0.0, value: $0.1) }) + [ManagerByte.carriageReturn, ManagerByte.lineFeed]
    }

    /// Whether a value can stand in an action at all.
    static func isSafe(_ value: String) -> Bool { !value.utf8.contains { $0 == 0 || $0 == 0x0A || $0 == 0x0D } }

    /// The name of a context, a channel or the like: what the dialplan would take apart is not in it.
    static func isName(_ text: String) -> Bool {
        !text.isEmpty && text.utf8.count <= 80
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "-_./@+*#;:".utf8.contains(byte)
            }
    }
}
