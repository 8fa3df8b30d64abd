import Connector
import HTTPServer

/// `GET /employees` and `/lines`: what the connections' files say of people and numbers.
struct DirectoryRoutes: Sendable {
    let services: APIServices

    var routes: [APIRoute] { [employees, lines] }

    private var employees: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/employees", scope: .read, summary: "Who has which extension",
            answer: APIAnswer(
                description: "Employees by connection and extension", schema: "EmployeeList", example: Examples.employees)
        ) { call in
            try call.query.finish()
            return list("employees", of: call.tenant) { profile, json in
                let presence = services.presence(profile.id)
                // Whoever has a telephone there is an employee, listed in the file or not.
                let unlisted = presence.keys.filter { profile.employees[$0] == nil }.map {
                    ($0, ConnectionProfile.EmployeeEntry())
                }
                for (number, entry) in (profile.employees.map { ($0, $1) } + unlisted).sorted(by: { $0.0 < $1.0 }) {
                    json.beginObject()
                    json.field("user_id", entry.crmID ?? "\(profile.id.name)/\(number)")
                    json.field("extension", number)
                    json.field("name", entry.name)
                    json.field("crm_id", entry.crmID)
                    json.field("connection_id", profile.id.name)
                    json.field("presence", presence[number]?.rawValue)
                    json.endObject()
                }
            }
        }
    }

    private var lines: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/lines", scope: .read, summary: "Our numbers and what they stand for",
            answer: APIAnswer(description: "Lines by connection and number", schema: "LineList", example: Examples.lines)
        ) { call in
            try call.query.finish()
            return list("lines", of: call.tenant) { profile, json in
                for (number, entry) in profile.lines.sorted(by: { $0.key < $1.key }) {
                    json.beginObject()
                    json.field("number", number)
                    json.field("label", entry.label)
                    json.field("channel", entry.channel)
                    json.field("connection_id", profile.id.name)
                    json.endObject()
                }
            }
        }
    }

    private func list(
        _ name: StaticString, of tenant: TenantID, _ write: (ConnectionProfile, inout JSONWriter) -> Void
    ) -> HTTPResponse {
        .json { json in
            json.beginObject()
            json.beginArray(name)
            for connection in services.connections.current.of(tenant) { write(connection.profile, &json) }
            json.endArray()
            json.endObject()
        }
    }
}
