import AdapterConformance
import Connector
import Glibc
import Testing
import TestSupport

extension EndToEnd {
    /// What a CRM sees: the feed, the log, keys and tenants.
    struct PullTests {
        // MARK: The feed

        @Test(.timeLimit(.minutes(1)))
        func `every fixture of every vendor comes out of the feed, the log and the exports alike`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: premises.makeKey())
            for vendor in ["mango", "zadarma"] { try Self.playFixtures(of: vendor, gateway) }
            try crm.waitForLedger()
            let changes = try crm.changes().changes
            #expect(changes.count > 100)
            Feed.expectWhole(changes)
            for limit in [1, 2, 7, 50, changes.count, changes.count + 1] where limit <= 1000 {
                #expect(try crm.changes(limit: limit).changes.map(\.cursor) == changes.map(\.cursor), "pages of \(limit)")
            }
            try Self.expectListsAgree(with: changes, crm)
        }

        /// Sends each case's requests as they were recorded; those to be refused must be.
        private static func playFixtures(of vendor: String, _ gateway: GatewayProcess) throws {
            let provider = Provider(gateway)
            for folder in try CaseFolder.loadAll(below: FixtureFolders.cases(of: vendor)) {
                for (index, recorded) in folder.requests.enumerated() {
                    let query = recorded.query.isEmpty ? "" : "?\(recorded.query)"
                    let request = WireRequest(
                        recorded.method, "/hooks/\(vendor)\(recorded.path)\(query)",
                        headers: recorded.headers.map { "\($0.name): \($0.value)" },
                        body: String(decoding: recorded.body, as: UTF8.self))
                    let expected = folder.refusals?[index] ?? 200
                    #expect(provider.send(request) == expected, "\(vendor)/\(folder.name), request \(index)")
                }
            }
        }

        /// Pages, NDJSON and CSV hold the latest of every call that was neither merged nor deleted.
        private static func expectListsAgree(with changes: [CRMClient.Change], _ crm: CRMClient) throws {
            let latest = Dictionary(changes.map { ($0.id, $0) }) { $1 }
            let standing = latest.filter { !["call.merged", "call.deleted"].contains($0.value.type) }
            let listed = try crm.all("calls", at: "/calls", limit: 7)
            #expect(Set(listed.compactMap { $0["id"]?.string }) == Set(standing.keys))
            #expect(listed.count == standing.count)
            #expect(listed.allSatisfy { standing[$0["id"]?.string ?? ""]?.call == $0 })
            let starts = listed.compactMap { $0["started_at"]?.string }
            #expect(starts == starts.sorted(by: >), "newest first")
            let lines = try crm.get("/calls", ["Accept: application/x-ndjson"]).text.split(separator: "\n")
            #expect(try lines.map { try JSONValue(parsing: String($0)) } == listed)
            let csv = try crm.get("/calls", ["Accept: text/csv"])
            #expect(csv.header("Content-Type")?.hasPrefix("text/csv") == true)
            let rows = csv.text.split(separator: "\r\n")
            #expect(rows.count == listed.count + 1)
            #expect(rows.dropFirst().elementsEqual(listed) { row, call in row.contains(call["id"]?.string ?? "-") })
            try Feed.expectLatest(standing.values.map { $0 }, of: crm)
        }

        /// The longest wait is twice as long as the client's patience: only a wake-up answers in time.
        @Test(.timeLimit(.minutes(1)))
        func `a long poll is woken by a call`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open()
            let key = try premises.makeKey()
            let woken = Threads.gather(5) { index -> [CRMClient.Change] in
                do {
                    let crm = try CRMClient(gateway, key: key)
                    if index > 0 { return try crm.page(after: nil, wait: 60).changes }
                    #expect(Provider(gateway).send(MangoCall("wake", at: "mango").missed.requests[0]) == 200)
                    return try crm.page(after: nil, wait: 60).changes
                } catch {
                    return []
                }
            }
            #expect(woken.map(Feed.vendorNames) == Array(repeating: ["wake"], count: 5))
        }

        // MARK: One call

        @Test(.timeLimit(.minutes(1)))
        func `a call's tag is its revision, and who has it gets nothing anew`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: premises.makeKey())
            let call = MangoCall("tagged", at: "mango").answered
            let provider = Provider(gateway)
            #expect(provider.send(call.requests[0]) == 200)
            try crm.waitForLedger()
            let id = try #require(try crm.changes().changes.last?.id)
            let first = try crm.get("/calls/\(id)")
            let tag = try #require(first.header("ETag"))
            #expect(tag == "\"\(try #require(JSONValue(parsing: first.body)["revision"]?.int))\"")
            #expect(try crm.get("/calls/\(id)", ["If-None-Match: \(tag)"]).status == 304)
            for request in call.requests { #expect(provider.send(request) == 200) }
            try crm.waitForLedger()
            let second = try crm.get("/calls/\(id)", ["If-None-Match: \(tag)"])
            #expect(second.status == 200)
            #expect(second.header("ETag") != tag)
            #expect(try crm.json("/calls/\(id)/events")["events"]?.elements.isEmpty == false)
            #expect(try crm.get("/calls/\(id)/explain").status == 200)
        }

        // MARK: Refusals

        @Test(.timeLimit(.minutes(1)))
        func `what a CRM may not ask is a problem that names its fault`() throws {
            let premises = try GatewayPremises()
            let reading = try premises.makeKey(scope: "read")
            let gateway = try premises.open()
            let crm = try CRMClient(gateway, key: reading)
            let none = "call_01932f0a-7d3c-7abc-9def-0123456789ab"
            let refused: [(WireAnswer, Int, String?)] = [
                (try CRMClient(gateway, key: nil).get("/changes"), 401, nil),
                (try CRMClient(gateway, key: "kom_guessed").get("/changes"), 401, nil),
                (try crm.post("/inbox/replay?dry_run=true"), 403, nil),
                (try crm.get("/calls/\(none)"), 404, nil), (try crm.get("/nothing"), 404, nil),
                (try crm.get("/changes?limti=1"), 400, "limti"), (try crm.get("/changes?limit=1001"), 400, "limit"),
                (try crm.get("/changes?cursor=abc"), 400, "cursor"), (try crm.get("/calls?direction=up"), 400, "direction"),
                (try crm.get("/calls?started_from=yesterday"), 400, "started_from"), (try crm.post("/changes"), 405, nil),
            ]
            for (answer, status, named) in refused {
                let problem = try JSONValue(parsing: answer.body)
                #expect(answer.status == status, "\(answer.text)")
                #expect(answer.header("Content-Type") == "application/problem+json", "\(answer.head)")
                #expect(problem["status"]?.int == status)
                #expect(problem["code"]?.string != nil)
                if let named { #expect(answer.text.contains(named)) }
                if status < 500, let id = problem["id"]?.string, problem["code"]?.string?.hasPrefix("key") == true {
                    #expect(gateway.log.line(with: id, within: .seconds(10)) != nil)
                }
            }
        }

        // MARK: Tenants and keys

        @Test(.timeLimit(.minutes(1)))
        func `a tenant sees its own connection's calls and nobody else's`() throws {
            let premises = try GatewayPremises()
            try premises.writeMango("east", tenant: "east")
            try premises.writeMango("west", tenant: "west")
            let gateway = try premises.open()
            let provider = Provider(gateway)
            let tenants = try ["east", "west"].map { ($0, try CRMClient(gateway, key: premises.makeKey(tenant: $0))) }
            for (name, _) in tenants {
                #expect(provider.play(MangoCall("of-\(name)", at: name).answered).allSatisfy { $0 == 200 })
            }
            for (index, (name, crm)) in tenants.enumerated() {
                let other = tenants[1 - index].1
                try crm.waitForLedger()
                let (changes, cursor) = try crm.changes()
                #expect(Feed.vendorNames(changes) == ["of-\(name)"])
                #expect(try crm.all("requests", at: "/inbox").count == 4)
                #expect(try crm.json("/connections")["connections"]?.elements.map { $0["id"]?.string } == [name])
                let call = try #require(changes.last?.id)
                let raw = try #require(try crm.all("requests", at: "/inbox").first?["id"]?.string)
                for path in ["/calls/\(call)", "/calls/\(call)/events", "/inbox/\(raw)", "/connections/\(name)"] {
                    #expect(try crm.get(path).status == 200, "\(path)")
                    #expect(try other.get(path).status == 404, "\(path)")
                }
                #expect(try other.get("/changes?cursor=\(cursor ?? "")").status == 400, "a cursor of another tenant")
            }
        }

        @Test(.timeLimit(.minutes(1)))
        func `keys are made and revoked while the gateway runs and while it does not`() throws {
            let premises = try GatewayPremises()
            let early = try premises.makeKey()
            let gateway = try premises.open()
            let late = try premises.makeKey()
            for key in [early, late] { #expect(try CRMClient(gateway, key: key).get("/changes").status == 200) }
            let ids = try Self.keyIDs(premises)
            try #require(ids.count == 2)
            #expect(try premises.command(["key", "revoke", ids[0]]).end == .exited(0))
            #expect(try CRMClient(gateway, key: early).get("/changes").status == 401)
            #expect(try CRMClient(gateway, key: late).get("/changes").status == 200)
            gateway.kill(SIGTERM)
            #expect(gateway.waitForEnd() == .exited(0))
            #expect(try premises.command(["key", "revoke", ids[1]]).end == .exited(0))
            let again = try premises.open()
            for key in [early, late] { #expect(try CRMClient(again, key: key).get("/changes").status == 401) }
            #expect(try premises.command(["key", "revoke", "key_none"]).end == .exited(65))
        }

        private static func keyIDs(_ premises: GatewayPremises) throws -> [String] {
            let listed = try premises.command(["key", "list", "--output", "json"])
            let keys = try JSONValue(parsing: listed.output.joined()).elements
            return keys.sorted { ($0["created_at"]?.string ?? "") < ($1["created_at"]?.string ?? "") }
                .compactMap { $0["id"]?.string }
        }

        @Test(.timeLimit(.minutes(1)))
        func `a second gateway on the same data does not start`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open()
            let second = try premises.command(["serve", "--listen", "127.0.0.1:0"])
            #expect(second.end == .exited(69))
            #expect(!second.complaints.isEmpty)
            #expect(try WireClient(port: gateway.port).exchange(WireRequest("GET", "/healthz")).status == 200)
        }
    }
}
