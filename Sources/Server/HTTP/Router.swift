/// An asynchronous handler. It runs on the executor of the connection's loop, so it must not block.
///
/// It is cancelled when the client goes away (or ends its sending side while it waits), at half of a shutdown's deadline, and by
/// nothing else: how long it may take is its own affair.
package typealias HTTPHandler = @Sendable (HTTPRequest) async throws -> HTTPResponse

/// Renders refusals: of the parser, the router, the limits, and of handlers that throw `HTTPProblem`.
package typealias ErrorRenderer = @Sendable (_ status: HTTPStatus, _ code: String, _ detail: String) -> HTTPResponse

/// Which handler answers which method and path.
///
/// Patterns: `/api/v1/calls/{id}/events` — a `{name}` is one segment, not empty; `/hooks/{connection}/{rest...}` — the last one
/// takes what remains, which may be nothing (then `/hooks/x` matches too). Literal segments win over names, names over the rest.
/// HEAD is served by GET; other methods of a known path are answered 405 with `Allow`, unknown paths 404.
package struct Router: Sendable {
    /// A handler of either kind.
    enum Target: Sendable {
        case direct(Int)
        case async(HTTPHandler, maxBody: Int?)
    }

    struct Route: Sendable {
        /// One place per method, by its raw value.
        var targets = [Target?](repeating: nil, count: HTTPMethod.allCases.count)
        var names: [String] = []

        func target(for method: HTTPMethod) -> Target? {
            targets[Int(method.rawValue)] ?? (method == .head ? targets[Int(HTTPMethod.get.rawValue)] : nil)
        }

        /// The value of an `Allow` header.
        var allow: String {
            HTTPMethod.allCases.filter { target(for: $0) != nil }.map(\.name).sorted().joined(separator: ", ")
        }
    }

    let errorResponse: ErrorRenderer
    private(set) var table = RouteTable()
    private(set) var routes: [Route] = []
    private(set) var directHandlers: [any DirectHandler] = []

    /// - Parameter errorResponse: how a refusal looks; plain text unless given. The server adds `Allow` and `Connection` itself.
    package init(errorResponse: @escaping ErrorRenderer = Self.plainText) { self.errorResponse = errorResponse }

    /// Adds an asynchronous handler.
    /// - Parameter maxBody: bytes of body that are welcome; `HTTPLimits.bodyBytes` when nil.
    package mutating func on(_ method: HTTPMethod, _ pattern: String, maxBody: Int? = nil, _ handler: @escaping HTTPHandler) {
        add(.async(handler, maxBody: maxBody), [method], pattern)
    }

    package mutating func get(_ pattern: String, _ handler: @escaping HTTPHandler) { on(.get, pattern, handler) }

    package mutating func post(_ pattern: String, maxBody: Int? = nil, _ handler: @escaping HTTPHandler) {
        on(.post, pattern, maxBody: maxBody, handler)
    }

    /// Adds a direct handler; one worker per loop serves all these methods and patterns.
    package mutating func direct(_ methods: [HTTPMethod], _ patterns: String..., handler: any DirectHandler) {
        directHandlers.append(handler)
        for pattern in patterns { add(.direct(directHandlers.count - 1), methods, pattern) }
    }

    private mutating func add(_ target: Target, _ methods: [HTTPMethod], _ pattern: String) {
        let parsed = RoutePattern(pattern)
        let index = table.insert(parsed, next: routes.count)
        if index == routes.count { routes.append(Route(names: parsed.names)) }
        for method in methods { routes[index].targets[Int(method.rawValue)] = target }
    }

    /// What the table says about a request.
    enum Decision {
        case found(Target, RouteMatch)
        case notFound
        case methodNotAllowed(allow: String)
    }

    func decide(_ method: HTTPMethod, path: ByteView, pathStart: Int) -> Decision {
        var match = RouteMatch()
        guard table.match(path, pathStart: pathStart, into: &match) else { return .notFound }
        if let target = routes[match.route].target(for: method) { return .found(target, match) }
        return .methodNotAllowed(allow: routes[match.route].allow)
    }

    /// The refusal when nothing else is asked for: the detail as text.
    package static let plainText: ErrorRenderer = { status, _, detail in .text(detail + "\n", status: status) }
}
