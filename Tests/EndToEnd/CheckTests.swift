import Connector
import Testing
import TestSupport

extension EndToEnd {
    /// `kommutator check`, as an operator and a script see it.
    struct CheckTests {
        @Test(.timeLimit(.minutes(1)))
        func `settings without fault pass, in words and as JSON`() throws {
            let premises = try GatewayPremises()
            try premises.write("off", "adapter: mango\nenabled: false")
            let text = try premises.command(["check"])
            #expect(text.end == .exited(0))
            #expect(text.output == ["mango  mango  ok", "off  mango  disabled", "zadarma  zadarma  ok"])
            let json = try Self.report(premises, exits: 0)
            #expect(json["ok"]?.bool == true)
            #expect(json["problems"]?.elements == [])
            #expect(json["notes"]?.elements == [])
            #expect(json["connections"]?.elements.map { $0["state"]?.string } == ["ok", "disabled", "ok"])
            #expect(json["connections"]?[0]?["file"]?.string == premises.adapters + "/mango.yaml")
        }

        @Test(.timeLimit(.minutes(1)))
        func `every problem is told at once, those of the server's own file too, and a note is none`() throws {
            let folder = try TemporaryFolder()
            try folder.write("loops: many\nlookup_url: https://crm.example/who\n", to: "kommutator.yaml")
            let premises = try GatewayPremises(options: ["--config", folder.path + "/kommutator.yaml"])
            try premises.write("mango", "adapter: mango\nsettings: {api_kye: env:KOMMUTATOR_TEST_MANGO_KEY}")
            let json = try Self.report(premises, exits: 78)
            #expect(json["ok"]?.bool == false)
            let problems = json["problems"]?.elements ?? []
            #expect(problems.count == 4)
            #expect(problems.first?["file"]?.string == folder.path + "/kommutator.yaml")
            #expect(problems.first?["line"]?.int == 1)
            #expect(problems[1]["hint"]?.string == "did you mean `api_key`?")
            #expect(
                json["notes"]?[0]?["problem"]?.string
                    == "questions to `lookup_url` are not signed: the CRM cannot tell them from others'")
            let text = try premises.command(["check"])
            #expect(text.end == .exited(78))
            #expect(
                text.complaints.contains("note: \(folder.path)/kommutator.yaml:2:1: questions to `lookup_url` are not signed"))
            try folder.write("lookup_url: https://crm.example/who\n", to: "kommutator.yaml")
            try premises.writeMango("mango")
            let noted = try premises.command(["check"])
            #expect(noted.end == .exited(0))
            #expect(noted.complaints.contains("note: "))
        }

        @Test(.timeLimit(.minutes(1)))
        func `examples of a described vendor are run`() throws {
            let premises = try GatewayPremises()
            let mapping = """
                adapter: mapped
                settings: {webhook_secret: env:KOMMUTATOR_TEST_MANGO_KEY}
                mapping:
                  vendor: shop-pbx
                  format: form
                  authentication: {type: token, header: X-Token}
                  event: event
                  call: {key: id}
                  events: {over: {type: call.ended, ending: {reason: {value: busy}, answered: ok}}}
                  examples:
                    - name: a call
                      requests: [{received_at: 2026-11-02T07:15:20Z, form: {event: over, id: 1, ok: "yes"}}]
                      record: {disposition: answered}
                """
            try premises.write("shop", mapping)
            #expect(try premises.command(["check"]).end == .exited(0))
            try premises.write("shop", mapping.replacing("disposition: answered", with: "disposition: missed"))
            let json = try Self.report(premises, exits: 78)
            #expect(json["problems"]?.elements.count == 1)
            #expect(json["problems"]?[0]?["problem"]?.string == "example `a call`: `disposition` is `answered`, not `missed`")
            #expect(json["problems"]?[0]?["line"]?.int == 13)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a folder that is missing has no line`() throws {
            let made = try GatewayProcess.run(["check", "--adapters", "/nonexistent/adapters.d", "--output", "json"])
            #expect(made.end == .exited(78))
            let problem = try JSONValue(parsing: made.output.joined())["problems"]?[0]
            #expect(problem?["file"]?.string == "/nonexistent/adapters.d")
            #expect(problem?["line"] == .null)
        }

        private static func report(_ premises: GatewayPremises, exits status: Int32) throws -> JSONValue {
            let made = try premises.command(["check", "--output", "json"])
            #expect(made.end == .exited(status))
            return try JSONValue(parsing: made.output.joined(separator: "\n"))
        }
    }
}
