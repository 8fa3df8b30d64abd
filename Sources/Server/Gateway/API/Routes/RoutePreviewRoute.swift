import Connector
import HTTPServer

/// `GET /routes/preview`: which way a call would take by the plan of the PBX, without making it.
struct RoutePreviewRoute: Sendable {
    let services: APIServices
    let previews: any RoutePreviewing

    var route: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/routes/preview", scope: .read,
            summary: "Which trunks an outgoing call would take, or whom an incoming one would ring, and why",
            parameters: Self.parameters,
            answer: APIAnswer(
                description: "The decision, as the trunks stand now", schema: "RoutePreview",
                example: RoutePreviewDescription.example),
            otherStatuses: [
                404: "The tenant has no PBX, or none of that name", 409: "The PBX's file has problems",
            ]
        ) { call in
            let (question, connection) = try read(call)
            do throws(RoutePreviewFailure) {
                let preview = try previews.preview(question, of: connection, tenant: call.tenant)
                return .json(preview.json.encoded)
            } catch {
                throw APIProblem.preview(error)
            }
        }
    }

    private static let parameters = [
        APIParameter(
            name: "number", isRequired: true, schema: .text,
            description: "What is dialled, as people dial it; of an incoming call, our number that is called"),
        APIParameter(
            name: "direction", schema: .oneOf(RoutePreviewQuestion.Direction.self), description: "`outbound` where absent"),
        APIParameter(name: "from", schema: .text, description: "The extension that calls; the house itself where absent"),
        APIParameter(name: "trunk", schema: .text, description: "The trunk on which an incoming call comes"),
        APIParameter(name: "at", schema: .moment, description: "The moment; now where absent"),
        APIParameter(
            name: "connection", schema: .text, description: "The PBX's name in adapters.d; may be left out where there is one"),
    ]

    private func read(_ call: APICall) throws -> (RoutePreviewQuestion, ConnectionID?) {
        var query = call.query
        let direction = query.choice("direction", RoutePreviewQuestion.Direction.self) ?? .outbound
        let number = query.number("number")
        if let number {
            if number.utf8.count > 64 { query.note("number", "Give 64 bytes at most.") }
        } else {
            query.note("number", "It is missing.")
        }
        let from = query.text("from")
        let trunk = query.text("trunk")
        if direction == .inbound, from != nil { query.note("from", "It means nothing to an incoming call.") }
        if direction == .outbound, trunk != nil { query.note("trunk", "It means nothing to an outgoing call.") }
        let at = query.instant("at") ?? services.clock.now()
        let connection = query.text("connection").map { ConnectionID($0) }
        try query.finish()
        return (RoutePreviewQuestion(direction, number ?? "", from: from, trunk: trunk, at: at), connection)
    }
}

extension APIProblem {
    fileprivate static func preview(_ failure: RoutePreviewFailure) -> APIProblem {
        switch failure {
        case .noPlan:
            return notFound("PBX")
        case .several(let ids):
            let names = ids.prefix(10).map { "`\($0)`" }.joined(separator: ", ")
            return badParameters([.init("connection", "Which PBX? There are \(names).")])
        case .unknownTrunk:
            return badParameters([.init("trunk", "The plan names no such trunk.")])
        case .faulty(let id):
            return APIProblem(
                .conflict, "plan-unreadable", "The plan cannot be used",
                detail:
                    "The file of the connection `\(id)` has problems: `/api/v1/connections/\(id)` and `kommutator check` tell them."
            )
        }
    }
}
