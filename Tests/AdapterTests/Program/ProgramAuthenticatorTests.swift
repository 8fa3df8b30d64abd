import AdapterKit
import Connector
import Digests
import Testing

@testable import ProgramAdapter

@Suite struct ProgramAuthenticatorTests {
    private func adapter(_ settings: [String: String]) throws -> ProgramAdapter {
        try ProgramAdapter(
            settings: AdapterSettings(
                connection: ConnectionID("pbx"), values: ["command": "x"].merging(settings) { $1 }))
    }

    private func answer(
        _ settings: [String: String], _ headers: [(String, String)] = [], query: String = "", body: String = ""
    ) throws -> Authentication {
        let raw = RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("pbx"), receivedAt: Instant(unixSeconds: 1), query: query,
            headers: headers.map { HeaderField(name: $0.0, value: $0.1) }, body: Array(body.utf8))
        let authenticator = try adapter(settings).makeAuthenticator()
        return raw.withRequest { authenticator.authenticate($0) }
    }

    private func status(_ answer: Authentication) -> Int {
        switch answer {
        case .accept(let response), .handshake(let response): response.status
        case .refuse(let status, _): status
        }
    }

    @Test(arguments: [(nil, 401), ("", 403), ("tokem", 403), ("token1", 403), ("token", 200)])
    func `a token stands in a header, the query or a field`(token: String?, expected: Int) throws {
        let kinds = [
            try answer(
                ["auth": "header", "auth_name": "X-Token", "auth_secret": "token"], token.map { [("x-token", $0)] } ?? []),
            try answer(["auth": "query", "auth_name": "t", "auth_secret": "token"], query: token.map { "t=\($0)" } ?? ""),
            try answer(
                ["auth": "field", "auth_name": "t", "auth_secret": "token"], body: token.map { "a=b&t=\($0)" } ?? "a=b"),
            try answer(
                ["auth": "field", "auth_name": "t", "auth_secret": "token"], body: token.map { #"{"t": "\#($0)"}"# } ?? "{}"),
        ]
        #expect(kinds.map(status) == [expected, expected, expected, expected])
    }

    @Test func `a signature is of the whole body, in whichever writing`() throws {
        let settings = ["auth": "hmac", "auth_name": "X-Sign", "auth_secret": "key"]
        let digest = KeyedDigest(hmac: .sha256, key: Array("key".utf8)).sign("body")
        for text in [digest.hex, digest.hex.uppercased(), digest.base64, "sha256=" + digest.hex] {
            #expect(status(try answer(settings, [("x-sign", text)], body: "body")) == 200)
            #expect(status(try answer(settings, [("x-sign", text)], body: "bodY")) == 403)
        }
        #expect(status(try answer(settings, body: "body")) == 401)
        #expect(status(try answer(settings, [("x-sign", "")], body: "body")) == 403)
        let sha1 = KeyedDigest(hmac: .sha1, key: Array("key".utf8)).sign("body").hex
        #expect(status(try answer(settings, [("x-sign", sha1)], body: "body")) == 403)
        #expect(
            status(try answer(settings.merging(["auth_algorithm": "sha1"]) { $1 }, [("x-sign", sha1)], body: "body")) == 200)
    }

    @Test func `the answer is what the settings say`() throws {
        let settings = ["auth": "url_token", "acknowledgement": #"{"ok": true}"#]
        guard case .accept(let response) = try answer(settings) else { return #expect(Bool(false)) }
        #expect(response.contentType == "application/json; charset=utf-8")
        #expect(String(decoding: response.body, as: UTF8.self) == #"{"ok": true}"#)
    }

    @Test(arguments: [
        ("command", ["command": "[]", "auth": "url_token"]), ("command", ["command": "", "auth": "url_token"]), ("auth", [:]),
        ("auth", ["auth": "belief"]), ("auth_name", ["auth": "header", "auth_secret": "x"]),
        ("auth_secret", ["auth": "query", "auth_name": "x"]),
        ("auth_name", ["auth": "hmac", "auth_name": "a b", "auth_secret": "x"]),
        ("auth_algorithm", ["auth": "hmac", "auth_name": "a", "auth_secret": "x", "auth_algorithm": "crc"]),
        ("answer_within", ["auth": "url_token", "answer_within": "1h"]),
        ("answer_within", ["auth": "url_token", "answer_within": "99ms"]),
        ("answer_within", ["auth": "url_token", "answer_within": "11s"]),
        ("commands", ["auth": "url_token", "commands": "fly"]), ("headers", ["auth": "url_token", "headers": #"["a b"]"#]),
    ])
    func `settings that cannot be right are named`(setting: String, settings: [String: String]) {
        let error = #expect(throws: SettingsError.self) { _ = try adapter(settings) }
        #expect(error?.setting == setting)
    }

    @Test func `the connection reads the headers that its settings name`() throws {
        let adapter = try adapter([
            "auth": "hmac", "auth_name": "X-Sign", "auth_secret": "x", "headers": #"["X-Event", "content-type"]"#,
            "commands": #"["originate", "transfer.blind"]"#,
        ])
        #expect(adapter.descriptor.headers == ["content-type", "x-event", "x-sign"])
        #expect(adapter.descriptor.capabilities == [.originate, .blindTransfer])
    }
}
