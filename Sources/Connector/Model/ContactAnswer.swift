/// What the CRM says of a number: who calls, and who should take it.
package struct ContactAnswer: Hashable, Sendable {
    /// Somebody to ring.
    package enum Person: Hashable, Sendable {
        /// An employee by the CRM's own identifier (`crm_id` in `employees`), or by a `user_id` of call records.
        case userID(String)
        /// An employee by short number or login.
        case `extension`(String)
        /// Anybody by his number.
        case number(String)
    }

    package var name: String?
    /// First the responsible employee, then the group, then the fallback.
    package var responsible: Person?
    package var group: String?
    package var fallback: Person?
    package var rejects: Bool

    package init(
        name: String? = nil, responsible: Person? = nil, group: String? = nil, fallback: Person? = nil, rejects: Bool = false
    ) {
        self.name = name
        self.responsible = responsible
        self.group = group
        self.fallback = fallback
        self.rejects = rejects
    }

    /// `{}`: the CRM does not know the number.
    package static let unknown = ContactAnswer()
}

// MARK: - Reading

extension ContactAnswer {
    /// Bytes of an answer that are welcome.
    package static let maximumBody = 16 << 10
    private static let nameLimit = 200
    private static let refLimit = 64

    /// Reads `{name, responsible, group, fallback, reject}`; everything may be absent or null, other members are left alone.
    ///
    /// A person is a text (the CRM's identifier) or an object with one of `user_id`, `extension`, `number`.
    /// - Throws: `ContactFailure.unreadable` where a member is not what it should be; its text holds nothing of the answer.
    package init(json body: [UInt8]) throws(ContactFailure) {
        let text: JSONText
        do {
            text = try JSONText(body, limits: JSONText.Limits(depth: 8, byteCount: Self.maximumBody))
        } catch {
            throw ContactFailure(.unreadable, "the answer is no JSON")
        }
        let root = text.root
        guard root.isObject else { throw ContactFailure(.unreadable, "the answer is no object") }
        self.init(
            name: try Self.name(root["name"]), responsible: try Self.person(root["responsible"], "responsible"),
            group: try Self.ref(root["group"], "group"), fallback: try Self.person(root["fallback"], "fallback"),
            rejects: try Self.flag(root["reject"]))
    }

    private static func isAbsent(_ node: JSONNode) -> Bool { !node.exists || node.isNull }

    /// Telephones show it: one line, and not too long.
    private static func name(_ node: JSONNode) throws(ContactFailure) -> String? {
        guard !isAbsent(node) else { return nil }
        guard let text = node.string else { throw ContactFailure(.unreadable, "`name` is no text") }
        let line = text.unicodeScalars.map { $0.isControl ? " " : Character($0) }
        let words = String(line).split(separator: " ").joined(separator: " ")
        return words.isEmpty ? nil : String(words.prefix(nameLimit))
    }

    private static func person(_ node: JSONNode, _ name: String) throws(ContactFailure) -> Person? {
        guard !isAbsent(node) else { return nil }
        guard node.isObject else { return try ref(node, name).map { .userID($0) } }
        if let id = try ref(node["user_id"], name) { return .userID(id) }
        if let short = try ref(node["extension"], name) { return .extension(short) }
        return try ref(node["number"], name).map { .number($0) }
    }

    /// A short word or a number, as a JSON text or number.
    private static func ref(_ node: JSONNode, _ name: String) throws(ContactFailure) -> String? {
        guard !isAbsent(node) else { return nil }
        guard let text = node.anyText, text.utf8.count <= refLimit, !text.unicodeScalars.contains(where: \.isControl) else {
            throw ContactFailure(.unreadable, "`\(name)` is neither a short text nor an object with one")
        }
        return text.isEmpty ? nil : text
    }

    private static func flag(_ node: JSONNode) throws(ContactFailure) -> Bool {
        guard !isAbsent(node) else { return false }
        guard let flag = node.bool else { throw ContactFailure(.unreadable, "`reject` is neither true nor false") }
        return flag
    }
}

extension Unicode.Scalar {
    /// A control or format character: what could end a line, or turn the direction of a text.
    fileprivate var isControl: Bool {
        switch properties.generalCategory {
        case .control, .format, .lineSeparator, .paragraphSeparator, .surrogate: true
        default: false
        }
    }
}
