/// A request method; one we have no name for is `other` and matches no route.
package enum HTTPMethod: UInt8, Hashable, Sendable, CaseIterable {
    case get, head, post, put, patch, delete, options, other

    package var name: String {
        switch self {
        case .get: "GET"
        case .head: "HEAD"
        case .post: "POST"
        case .put: "PUT"
        case .patch: "PATCH"
        case .delete: "DELETE"
        case .options: "OPTIONS"
        case .other: "OTHER"
        }
    }

    /// Methods are case-sensitive (RFC 9110 §9.1).
    init(_ token: ByteView) {
        switch token.count {
        case 3: self = token == "GET" ? .get : token == "PUT" ? .put : .other
        case 4: self = token == "POST" ? .post : token == "HEAD" ? .head : .other
        case 5: self = token == "PATCH" ? .patch : .other
        case 6: self = token == "DELETE" ? .delete : .other
        case 7: self = token == "OPTIONS" ? .options : .other
        default: self = .other
        }
    }
}
