import Network

/// A whole request as an owned value, for asynchronous handlers.
package struct HTTPRequest: Sendable {
    package var method: HTTPMethod
    /// The path as sent, still percent-encoded, without query.
    package var path: String
    /// What the pattern's `{names}` stand for, percent-decoded.
    package var parameters: [String: String]
    /// Query fields in order, decoded (`+` is a space).
    package var query: QueryItems
    package var headers: HTTPHeaders
    package var body: [UInt8]
    package var peer: SocketAddress
    package var isSecure: Bool

    package init(
        method: HTTPMethod = .get, path: String = "/", parameters: [String: String] = [:], query: QueryItems = QueryItems(),
        headers: HTTPHeaders = [:], body: [UInt8] = [], peer: SocketAddress = SocketAddress(.loopbackV4, port: 0),
        isSecure: Bool = false
    ) {
        self.method = method
        self.path = path
        self.parameters = parameters
        self.query = query
        self.headers = headers
        self.body = body
        self.peer = peer
        self.isSecure = isSecure
    }
}

/// Decoded query fields in the order they were sent; a name may repeat.
package struct QueryItems: Sendable, Sequence {
    package private(set) var items: [(name: String, value: String)]

    package init(_ items: [(name: String, value: String)] = []) { self.items = items }

    /// Reads `a=1&b=two`; a broken escape stands for itself, malformed UTF-8 is repaired.
    package init(_ encoded: ByteView) {
        items = []
        var start = 0
        while start < encoded.count {
            let end = encoded.firstIndex(of: .ampersand, from: start) ?? encoded.count
            let field = encoded[start..<end]
            start = end + 1
            guard !field.isEmpty else { continue }
            let equals = field.firstIndex(of: .equals) ?? field.count
            let value = equals < field.count ? field[equals + 1..<field.count] : .empty
            items.append((field[0..<equals].percentDecoded(plusIsSpace: true), value.percentDecoded(plusIsSpace: true)))
        }
    }

    /// The first value of that name.
    package subscript(name: String) -> String? { items.first { $0.name == name }?.value }

    package func makeIterator() -> IndexingIterator<[(name: String, value: String)]> { items.makeIterator() }
}

extension ByteView {
    /// The text with `%41` turned to `A`; a broken escape stands for itself, malformed UTF-8 is repaired.
    package func percentDecoded(plusIsSpace: Bool = false) -> String {
        var bytes: [UInt8] = []
        bytes.reserveCapacity(count)
        var index = 0
        while index < count {
            let byte = self[index]
            if byte == .percent, index + 2 < count, let high = self[index + 1].hexValue, let low = self[index + 2].hexValue {
                bytes.append(high << 4 | low)
                index += 3
                continue
            }
            bytes.append(byte == .plus && plusIsSpace ? .space : byte)
            index += 1
        }
        return String(decoding: bytes, as: UTF8.self)
    }
}
