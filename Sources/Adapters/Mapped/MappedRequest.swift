import AdapterKit
import Connector

/// The fields of one request, wherever they stand; used again for the next one. Notes which of them were read.
struct MappedRequest {
    private let format: Mapping.Format
    private var form = FieldTable()
    private var json = JSONText()
    private var query = FieldTable()
    private var headers: [HeaderField] = []
    private var isJSON = false
    /// The row of a log that is read in place of a body.
    private var row: JSONNode?
    private var root: JSONNode { row ?? json.root }
    /// Fields of the body that gave a value. What is not among them goes into the record as it came.
    private(set) var used: Set<[String]> = []

    static let limits = JSONText.Limits(depth: 32, byteCount: 1 << 20)

    init(_ format: Mapping.Format) { self.format = format }

    /// Takes another request in place of the present one.
    /// - Throws: `FieldError`; there are then no fields.
    mutating func read(_ request: WebhookRequest) throws(FieldError) {
        used.removeAll(keepingCapacity: true)
        row = nil
        form.removeAll()
        headers = request.headers
        try query.readForm(request.query)
        isJSON = format == .json || (format == .formOrJSON && request.body.first { $0 > 0x20 } == UInt8(ascii: "{"))
        switch format {
        case .query: break
        case _ where isJSON: try readJSON(request.body)
        default: try readForm(request)
        }
    }

    /// Takes one row of the vendor's log: JSON, whatever its webhooks are.
    mutating func read(row node: JSONNode) {
        used.removeAll(keepingCapacity: true)
        form.removeAll()
        query.removeAll()
        headers = []
        isJSON = true
        row = node
    }

    private mutating func readForm(_ request: WebhookRequest) throws(FieldError) {
        let type = request.header("content-type") ?? ""
        if HeaderParameters(type).value.lowercased() == "multipart/form-data" {
            try form.read(request.body, contentType: type)
        } else {
            try form.readForm(request.body)
        }
    }

    private mutating func readJSON(_ body: UnsafeRawBufferPointer) throws(FieldError) {
        do {
            try json.parse(body, limits: Self.limits)
        } catch {
            throw FieldError(.badJSON, at: error.offset)
        }
        guard json.root.isObject else { throw FieldError(.badJSON) }
    }

    // MARK: Asking

    /// The value as text, through its filters; nil where it is absent, empty, too long, or a filter gives nothing.
    mutating func text(_ value: MappedValue?) -> String? { read(value) { $0 } }

    /// The value as `make` understands its text. What it does not understand counts as not read.
    mutating func read<Result>(_ value: MappedValue?, _ make: (String) -> Result?) -> Result? {
        guard let value else { return nil }
        let found = bounded(raw(value.source))
        guard let text = value.filters.reduce(found, { $1.apply($0) }), !text.isEmpty, let result = make(text) else { return nil }
        // Of a `default` that stands for a word no table knows, the word is still news.
        if found != nil, !value.isReplaced(found), let field = value.field { used.insert(field) }
        return result
    }

    /// The value before its filters.
    func raw(_ source: MappedValue.Source) -> String? {
        switch source {
        case .constant(let text): return text
        case .header(let name): return headers.first { $0.name == name }?.value
        case .query(let name): return query.string(name)
        case .body(let steps):
            if isJSON { return Self.text(of: steps.reduce(root) { Self.step($1, from: $0) }) }
            let name = steps.joined(separator: ".")
            return format == .query ? query.string(name) : form.string(name)
        }
    }

    private static func step(_ name: String, from node: JSONNode) -> JSONNode {
        guard node.isArray else { return node[dynamic: name] }
        let elements = node.elements
        guard let place = DecimalInteger.parse(name.utf8), elements.indices.contains(place) else { return node[dynamic: name] }
        return elements[place]
    }

    /// A text's meaning, a number or truth value as written.
    private static func text(of node: JSONNode) -> String? {
        node.anyText ?? node.bool.map { $0 ? "true" : "false" }
    }

    private func bounded(_ text: String?) -> String? {
        guard let text, !text.isEmpty, text.utf8.count <= MappedValue.limit else { return nil }
        return text
    }

    // MARK: The rest

    /// What the body says and nobody understood, under the vendor's names; objects within become dotted names.
    /// - Parameter hidden: fields that have their place in other events' part of the record, or carry the secret.
    func leftovers(hiding hidden: Set<[String]>) -> [CustomField] {
        var custom: [CustomField] = []
        let known = used.union(hidden)
        if isJSON {
            Self.keep(root, below: [], except: known, in: &custom)
        } else {
            let fields = format == .query ? query : form
            let names = Set(known.map { $0.joined(separator: ".") })
            for name in fields.names where !names.contains(name) { custom.keep(name, fields.string(name)) }
        }
        return custom
    }

    /// The text's own limit bounds the depth.
    private static func keep(
        _ node: JSONNode, below path: [String], except known: Set<[String]>, in custom: inout [CustomField]
    ) {
        node.forEachMember { name, value in
            let path = path + [name.string ?? ""]
            guard !known.contains(path), !value.isNull else { return }
            if value.isObject {
                keep(value, below: path, except: known, in: &custom)
            } else {
                custom.keep(path.joined(separator: "."), value.string ?? String(decoding: value.source, as: UTF8.self))
            }
        }
    }
}
