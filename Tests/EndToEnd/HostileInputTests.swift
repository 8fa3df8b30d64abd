import Connector
import Testing
import TestSupport

extension EndToEnd {
    /// What nobody should send: a clear status, nothing that becomes a call, and a gateway that goes on as before.
    struct HostileInputTests {
        private let premises: GatewayPremises
        private let gateway: GatewayProcess
        private let key: String

        init() throws {
            premises = try GatewayPremises()
            key = try premises.makeKey()
            gateway = try premises.open()
        }

        // MARK: Signatures

        @Test func `what is not genuine is refused and not kept`() throws {
            let mango = MangoCall("forged", at: "mango").missed.requests[0]
            let refused: [(WireRequest, Int)] = [
                (MangoCall.request("{}", at: "mango", mark: "salt", salt: "guessed"), 403),
                (ZadarmaCall.request([("event", "NOTIFY_START")], signed: "x", at: "zadarma", mark: "s", secret: "guessed"), 403),
                (WireRequest("POST", "/hooks/mango/events/call", body: "vpbx_api_key=a&json={}"), 401),
                (WireRequest("POST", "/hooks/zadarma", headers: mango.headers, body: "event=NOTIFY_START"), 401),
                (WireRequest("POST", mango.target, headers: mango.headers, body: mango.body + "%20"), 403),
                (WireRequest("POST", "/hooks/nobody", headers: mango.headers, body: mango.body), 404),
                (WireRequest("POST", "/hooks/mango/events/call"), 401),
                (WireRequest("PUT", mango.target, headers: mango.headers, body: mango.body), 405),
            ]
            let wire = try WireClient(port: gateway.port)
            for (request, status) in refused {
                #expect(try wire.exchange(request).status == status, "\(request.method) \(request.target)")
            }
            try expectUnharmed(kept: 0)
        }

        @Test func `a replayed request is answered as before and changes nothing`() throws {
            let provider = Provider(gateway)
            let crm = try CRMClient(gateway, key: key)
            let calls = (0..<5).map { VendorCall.any("again\($0)", seed: $0) }
            for call in calls { #expect(provider.play(call).allSatisfy { $0 == 200 }) }
            try crm.waitForLedger()
            let before = try crm.changes().changes
            for _ in 0..<3 {
                for call in calls.shuffled() { #expect(provider.play(call).allSatisfy { $0 == 200 }) }
            }
            try crm.waitForLedger()
            #expect(try crm.changes().changes == before)
            let inbox = try crm.all("requests", at: "/inbox")
            #expect(inbox.count == calls.reduce(0) { $0 + $1.requests.count } * 4, "a repeat is kept as it came")
            try expectQuiet()
        }

        // MARK: Contents

        /// All of these are signed: whoever holds the key may send them.
        @Test func `signed nonsense is kept, and becomes no call`() throws {
            let provider = Provider(gateway)
            let deep = String(repeating: #"{"a":"#, count: 10_000) + "1" + String(repeating: "}", count: 10_000)
            let nonsense: [[UInt8]] = [
                [], [0xFF, 0xFE, 0xC0, 0x80], [0, 0, 0], Array("{".utf8), Array(deep.utf8), Array("[[[]]]".utf8),
                Array("null".utf8), Array(#"{"entry_id":""#.utf8) + [0xC3, 0x28] + Array(#""}"#.utf8),
                Array("{\"entry_id\":\"a\u{0}b\"}".utf8), Array(#"{"call_id":"\ud800"}"#.utf8),
                Array(#"{"entry_id":{"entry_id":[]},"seq":1e999}"#.utf8),
                Array(String(repeating: "[", count: 50_000).utf8),
            ]
            for (index, json) in nonsense.enumerated() {
                let request = MangoCall.request(json: json, at: "mango", mark: "n\(index)")
                #expect(provider.send(request) == 200, "nonsense \(index)")
            }
            try expectUnharmed(kept: nonsense.count)
        }

        @Test func `odd forms are refused or kept, and become no call`() throws {
            let bodies = [
                "%", "%zz=%", "&&&&====", String(repeating: "a=b&", count: 20_000), "\u{0}\u{0}", "event=%00%FF%FE",
                String(repeating: "wait_dtmf[", count: 5000) + "=1",
            ]
            let wire = try WireClient(port: gateway.port)
            for path in ["/hooks/mango/events/call", "/hooks/zadarma"] {
                for body in bodies {
                    for type in ["application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x", ""] {
                        let headers = ["Content-Type: \(type)", "Signature: aGk="]
                        let status = try wire.exchange(WireRequest("POST", path, headers: headers, body: body)).status
                        #expect([400, 401, 403].contains(status), "\(path) \(type) \(body.prefix(20))")
                    }
                }
            }
            try expectUnharmed(kept: 0)
        }

        // MARK: HTTP

        @Test func `a body that is cut off is no request`() throws {
            let bytes = String(decoding: MangoCall("cut", at: "mango").missed.requests[0].wireText.dropLast(20), as: UTF8.self)
            for _ in 0..<20 {
                let wire = try WireClient(port: gateway.port)
                try wire.send(bytes)
                wire.endSending()
                try wire.waitForClose()
            }
            try expectUnharmed(kept: 0)
        }

        @Test func `a body that is too large is refused before it comes, and while it comes`() throws {
            let announced = try WireClient(port: gateway.port)
            try announced.send("POST /hooks/mango/events/call HTTP/1.1\r\nHost: a\r\nContent-Length: 100000000\r\n\r\n")
            #expect(try announced.readAnswer().status == 413)
            let chunked = try WireClient(port: gateway.port)
            try chunked.send("POST /hooks/mango/events/call HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n")
            let piece = "10000\r\n" + String(repeating: "x", count: 0x10000) + "\r\n"
            for _ in 0..<5 { try chunked.send(piece) }
            #expect(try chunked.readAnswer().status == 413)
            try expectUnharmed(kept: 0)
        }

        @Test func `shapes that smuggle requests are refused, and the connection ends`() throws {
            let post = "POST /hooks/mango/events/call HTTP/1.1\r\nHost: a\r\n"
            let shapes = [
                post + "Content-Length: 4\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
                post + "Content-Length: 4\r\nContent-Length: 5\r\n\r\nabcde",
                post + "Content-Length: +4\r\n\r\nabcd", post + "Content-Length: 0x4\r\n\r\nabcd",
                post + "Content-Length: -1\r\n\r\n", post + "Content-Length: 99999999999999999999\r\n\r\n",
                post + "Transfer-Encoding: xchunked\r\n\r\n0\r\n\r\n",
                post + "Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n",
                post + "Transfer-Encoding : chunked\r\n\r\n0\r\n\r\n", post + "Transfer-Encoding: chunked\r\n\r\nzz\r\n",
                post + " folded: x\r\n\r\n", "GET /healthz HTTP/1.1\nHost: a\n\n",
                "GET /healthz HTTP/1.1\r\nHost: a\nX: b\r\n\r\n",
                "GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\u{0}b\r\n\r\n", "GET  /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
                "GET /healthz HTTP/9.9\r\nHost: a\r\n\r\n", "\u{0}\u{1}\u{2}\r\n\r\n",
                "GET /healthz HTTP/1.1\r\n" + (0..<10_000).map { "X-\($0): y\r\n" }.joined() + "\r\n",
                "GET /" + String(repeating: "a", count: 100_000) + " HTTP/1.1\r\nHost: a\r\n\r\n",
            ]
            for shape in shapes {
                let wire = try WireClient(port: gateway.port)
                // A large head is refused while it is sent: then the rest cannot be.
                do { try wire.send(shape) } catch is SystemFailure {}
                let status = try wire.readAnswer().status
                #expect([400, 413, 414, 431, 501, 505].contains(status), "\(status): \(shape.prefix(160))")
                try wire.waitForClose()
            }
            try expectUnharmed(kept: 0)
        }

        @Test func `slow senders hold up nobody and take no memory`() throws {
            let provider = Provider(gateway)
            for number in 0..<50 { #expect(provider.play(.any("warm\(number)", seed: number)).allSatisfy { $0 == 200 }) }
            let before = gateway.residentByteCount
            let slow = try (0..<200).map { _ in try WireClient(port: gateway.port) }
            for byte in "POST /hooks/mango/events/call HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\nvpbx" {
                for wire in slow { try wire.send(String(byte)) }
            }
            for number in 0..<50 { #expect(provider.play(.any("fast\(number)", seed: number)).allSatisfy { $0 == 200 }) }
            let grown = gateway.residentByteCount - before
            #expect(grown < 32 << 20, "grown by \(grown) bytes")
            try expectQuiet()
        }

        // MARK: Afterwards

        /// Nothing but `kept` raw requests is there, no call came of them, and the next genuine call is taken.
        private func expectUnharmed(kept: Int, sourceLocation: SourceLocation = #_sourceLocation) throws {
            let crm = try CRMClient(gateway, key: key)
            try crm.waitForLedger()
            let inbox = try crm.all("requests", at: "/inbox")
            #expect(inbox.count == kept, sourceLocation: sourceLocation)
            let understood = inbox.filter { $0["state"]?.string == "decoded" }.map { $0["query"]?.string ?? "" }
            #expect(understood == [], sourceLocation: sourceLocation)
            #expect(try crm.changes().changes.isEmpty, sourceLocation: sourceLocation)
            let statuses = Provider(gateway).play(.any("genuine", seed: 0))
            #expect(statuses.allSatisfy { $0 == 200 }, sourceLocation: sourceLocation)
            try crm.waitForLedger()
            #expect(Feed.vendorNames(try crm.changes().changes) == ["genuine"], sourceLocation: sourceLocation)
            try expectQuiet(sourceLocation: sourceLocation)
        }

        /// Neither log nor metrics tell a secret, a key or a whole number.
        private func expectQuiet(sourceLocation: SourceLocation = #_sourceLocation) throws {
            let metrics = try WireClient(port: gateway.port).exchange(WireRequest("GET", "/metrics"))
            #expect(metrics.status == 200, sourceLocation: sourceLocation)
            for (name, text) in [("log", gateway.log.text), ("metrics", metrics.text)] {
                for told in VendorCall.Secrets.all + VendorCall.Numbers.all + [key] {
                    #expect(!text.contains(told), "the \(name) tells \(told)", sourceLocation: sourceLocation)
                }
            }
        }
    }
}
