import Connector
import Digests
import Testing

@Suite struct MappedAuthenticatorTests {
    private func bench(_ door: String, format: String = "json", settings: String = "webhook_secret: env:SECRET") throws
        -> MappedWorkbench
    {
        try MappedWorkbench(
            """
            vendor: shop-pbx
            format: \(format)
            authentication: \(door)
            answer: {status: 202, type: application/json, body: '{"ok":1}'}
            event: event
            call: {key: id}
            events: {rang: {type: call.ringing}}
            """, settings: settings)
    }

    private static let accepted = Authentication.accept(
        WebhookResponse(status: 202, contentType: "application/json", body: Array(#"{"ok":1}"#.utf8)))

    @Test func `a token may stand in a header, behind a prefix`() throws {
        let bench = try bench("{type: token, header: Authorization, prefix: \"Bearer \"}")
        #expect(bench.authenticate("{}", headers: [("authorization", "Bearer s3cr3t-0001")]) == Self.accepted)
        #expect(bench.refusal("{}", headers: [("authorization", "Bearer s3cr3t-0002")]) == 403)
        #expect(bench.refusal("{}", headers: [("authorization", "s3cr3t-0001")]) == 403)
        #expect(bench.refusal("{}", headers: [("authorization", "")]) == 401)
        #expect(bench.refusal("{}") == 401)
        #expect(bench.adapter.descriptor.headers == ["authorization", "content-type"])
    }

    @Test func `a token may stand in a field, and goes into no record`() throws {
        let bench = try bench("{type: token, field: auth.token}")
        let body = #"{"event":"rang","id":"1","auth":{"token":"s3cr3t-0001","by":"x"}}"#
        #expect(bench.authenticate(body) == Self.accepted)
        #expect(bench.refusal(body.replacing("0001", with: "0002")) == 403)
        #expect(bench.refusal(#"{"event":"rang"}"#) == 401)
        #expect(bench.refusal("not json") == 400)
        #expect(try bench.event(body).custom == [CustomField("auth.by", "x")])
        let form = try self.bench("{type: token, field: token}", format: "form")
        #expect(form.authenticate("event=rang&token=s3cr3t-0001") == Self.accepted)
        #expect(try form.event("event=rang&id=1&token=s3cr3t-0001").custom == [])
        #expect(form.refusal("event=rang&token=%zz") == 400)
    }

    @Test func `a token may stand in the query`() throws {
        let bench = try bench("{type: token, query: key}")
        #expect(bench.authenticate("{}", query: "key=s3cr3t-0001") == Self.accepted)
        #expect(bench.refusal("{}", query: "key=S3cr3t-0001") == 403)
        #expect(bench.refusal("{}", query: "key=%zz") == 400)
        // What is genuine and cannot be read is kept.
        #expect(bench.authenticate("not json", query: "key=s3cr3t-0001") == Self.accepted)
        #expect(bench.refusal("{}") == 401)
    }

    @Test(arguments: [
        ("sha256", "hex", DigestAlgorithm.sha256), ("sha1", "base64", .sha1), ("md5", "hex", .md5), ("sha256", "base64", .sha256),
    ])
    func `a signature is over the body as it came`(algorithm: String, encoding: String, digest: DigestAlgorithm) throws {
        let bench = try bench("{type: hmac, header: X-Sign, algorithm: \(algorithm), encoding: \(encoding), prefix: \"v1=\"}")
        let body = #"{"event":"rang", "id":1}"#
        let value = KeyedDigest(hmac: digest, key: Array("s3cr3t-0001".utf8)).sign(body)
        let sign = "v1=" + (encoding == "hex" ? value.hex : value.base64)
        #expect(bench.authenticate(body, headers: [("x-sign", sign)]) == Self.accepted)
        #expect(bench.refusal(body + " ", headers: [("x-sign", sign)]) == 403)
        #expect(bench.refusal(body, headers: [("x-sign", String(sign.dropFirst(3)))]) == 403)
        #expect(bench.refusal(body, headers: [("x-sign", String(sign.dropLast()))]) == 403)
        #expect(bench.refusal(body, headers: [("x-sign", "v1=")]) == 403)
        #expect(bench.refusal(body) == 401)
    }

    @Test func `one byte of body or signature changed is refused`() throws {
        let bench = try bench("{type: hmac, header: X-Sign, algorithm: sha256, encoding: hex}")
        let body = Array(#"{"event":"rang"}"#.utf8)
        let sign = Array(KeyedDigest(hmac: .sha256, key: Array("s3cr3t-0001".utf8)).sign(body).hex.utf8)
        func refusal(_ body: [UInt8], _ sign: [UInt8]) -> Int? {
            bench.refusal(String(decoding: body, as: UTF8.self), headers: [("x-sign", String(decoding: sign, as: UTF8.self))])
        }
        #expect(refusal(body, sign) == nil)
        for place in body.indices {
            var changed = body
            changed[place] ^= 1
            #expect(refusal(changed, sign) == 403)
        }
        for place in sign.indices {
            var changed = sign
            changed[place] = changed[place] == UInt8(ascii: "0") ? UInt8(ascii: "1") : UInt8(ascii: "0")
            #expect(refusal(body, changed) == 403)
        }
    }

    @Test func `user and password may be asked for`() throws {
        let bench = try bench("{type: basic}", settings: "webhook_user: shop, webhook_secret: env:SECRET")
        #expect(bench.authenticate("{}", headers: [("authorization", "Basic c2hvcDpzM2NyM3QtMDAwMQ==")]) == Self.accepted)
        #expect(bench.refusal("{}", headers: [("authorization", "Basic c2hvcDpzM2NyM3QtMDAwMg==")]) == 403)
        #expect(bench.refusal("{}") == 401)
    }

    @Test func `where there is a url_token, it may be all there is`() throws {
        let bench = try bench("{type: url_token}", settings: "url_token: env:TOKEN")
        #expect(bench.authenticate("anything") == Self.accepted)
    }

    @Test func `a proof without its secret is a fault of the file`() {
        let problems = MappedWorkbench.read(MappedWorkbench.least, settings: "").problems.map(\.description)
        #expect(problems == ["f.yaml:4:3: `token` needs the setting `webhook_secret`; add it under `settings:`"])
    }
}
