import Connector
import HTTPServer

/// One request that the API understands, with what `/openapi.json` says of it: the same table makes router and description.
struct APIRoute: Sendable {
    var method: HTTPMethod
    /// As the router and OpenAPI write it: `/api/v1/calls/{id}`.
    var pattern: String
    /// `nil` where no key is asked for.
    var scope: APIKey.Scope?
    var summary: String
    var parameters: [APIParameter] = []
    /// The name of the body's schema.
    var body: String?
    /// What is answered when all is well.
    var answer: APIAnswer
    /// Further statuses, with what they mean.
    var otherStatuses: [Int: String] = [:]
    var handle: @Sendable (APICall) async throws -> HTTPResponse
}

/// One query parameter or header of a request.
struct APIParameter: Sendable {
    enum Place: String, Sendable { case query, header, path }

    var name: String
    var place: Place = .query
    var isRequired = false
    var schema: JSONValue
    var description: String
}

/// The shape of an answer: media types with the names of their schemas, and an example.
struct APIAnswer: Sendable {
    var status = 200
    var description: String
    /// A name in `components.schemas`; `nil` for plain text.
    var schema: String?
    var mediaType = "application/json"
    /// The same in other forms.
    var otherMediaTypes: [String] = []
    var example: JSONValue?
}

/// One request at work: who asks, and what.
struct APICall: Sendable {
    let http: HTTPRequest
    /// Whose data this is about.
    let tenant: TenantID
    /// The name of the key that asks; empty where none is needed.
    let keyName: String
    let route: APIRoute

    /// Reads the query; names that the route does not list are errors.
    var query: QueryReading {
        QueryReading(http.query, known: route.parameters.filter { $0.place == .query }.map(\.name))
    }

    /// The path's parameter as an identifier.
    /// - Throws: `APIProblem` 404: what is no identifier names nothing.
    func identifier<Subject>(_ type: Identifier<Subject>.Type, _ what: String) throws -> Identifier<Subject> {
        guard let text = http.parameters["id"], let id = Identifier<Subject>(text) else { throw APIProblem.notFound(what) }
        return id
    }

    func header(_ name: String) -> String? { http.headers[name] }
}

extension HTTPResponse {
    /// JSON that is there already.
    static func json(_ bytes: [UInt8], status: HTTPStatus = .ok, headers: HTTPHeaders = [:]) -> HTTPResponse {
        var headers = headers
        headers["Content-Type"] = "application/json"
        if headers["Cache-Control"] == nil { headers["Cache-Control"] = "no-store" }
        return HTTPResponse(status, headers: headers, body: .bytes(bytes))
    }

    /// JSON that `write` puts together.
    static func json(_ write: (inout JSONWriter) -> Void) -> HTTPResponse {
        var json = JSONWriter()
        write(&json)
        return .json(json.finish())
    }
}
