import Connector
import HTTPServer
import Network
import Recordings
import TestSupport
import Testing

@testable import Gateway

/// `GET /calls/{id}/recordings/{rid}/media` over sockets.
struct RecordingMediaTests {
    private static let sound = (0..<200_000).map { UInt8(truncatingIfNeeded: $0) }

    @Test func `the whole file comes with length, type, name and tag`() async throws {
        try await Self.serve { bench, address in
            let answer = try RawClient.get(address, bench.path)
            #expect(answer.status == 200)
            #expect(answer.body == Self.sound)
            #expect(answer.header("Content-Length") == "200000")
            #expect(answer.header("Content-Type") == "audio/mpeg")
            #expect(answer.header("Accept-Ranges") == "bytes")
            #expect(answer.header("ETag") == "\"\(bench.sha256)\"")
            #expect(answer.header("Content-Disposition") == "inline; filename=\"\(bench.recording).mp3\"")
            #expect(answer.header("X-Content-Type-Options") == "nosniff")
        }
    }

    @Test(arguments: [
        ("bytes=0-0", 0..<1, "bytes 0-0/200000"), ("bytes=100-199", 100..<200, "bytes 100-199/200000"),
        ("bytes=199999-", 199_999..<200_000, "bytes 199999-199999/200000"),
        ("bytes=-5", 199_995..<200_000, "bytes 199995-199999/200000"),
        ("bytes=70000-999999999999999999999", 70_000..<200_000, "bytes 70000-199999/200000"),
    ])
    func `a range comes as 206`(header: String, range: Range<Int>, told: String) async throws {
        try await Self.serve { bench, address in
            let answer = try RawClient.get(address, bench.path, headers: "Range: \(header)\r\n")
            #expect(answer.status == 206)
            #expect(answer.header("Content-Range") == told)
            #expect(answer.header("Content-Length") == "\(range.count)")
            #expect(answer.body == Array(Self.sound[range]))
        }
    }

    @Test(arguments: ["bytes=200000-", "bytes=-0", "bytes=99999999999999999999-"])
    func `a range that is not there is 416 with the length`(header: String) async throws {
        try await Self.serve { bench, address in
            let answer = try RawClient.get(address, bench.path, headers: "Range: \(header)\r\n")
            #expect(answer.status == 416)
            #expect(answer.header("Content-Range") == "bytes */200000")
            #expect(try answer.code == "range-not-satisfiable")
        }
    }

    @Test(arguments: ["bytes=5-2", "bytes=a-b", "bytes=0-1,4-5", "bytes=-", "lines=1-2", "bytes=+1-2", "bytes=1"])
    func `what is no range that is served alone is left unheeded`(header: String) async throws {
        try await Self.serve { bench, address in
            let answer = try RawClient.get(address, bench.path, headers: "Range: \(header)\r\n")
            #expect(answer.status == 200)
            #expect(answer.body.count == Self.sound.count)
        }
    }

    @Test func `a range is served for the file it is meant for, and nothing to who has it`() async throws {
        try await Self.serve { bench, address in
            let range = "Range: bytes=0-9\r\n"
            let tag = "\"\(bench.sha256)\""
            #expect(try RawClient.get(address, bench.path, headers: range + "If-Range: \(tag)\r\n").status == 206)
            #expect(try RawClient.get(address, bench.path, headers: range + "If-Range: \"other\"\r\n").status == 200)
            let known = try RawClient.get(address, bench.path, headers: "If-None-Match: \(tag)\r\n")
            #expect(known.status == 304)
            #expect(known.body.isEmpty)
        }
    }

    @Test func `HEAD tells the same without the bytes, and the connection goes on`() async throws {
        try await Self.serve { bench, address in
            let client = try RawClient(address)
            let credentials = "Host: h\r\nAuthorization: Bearer \(GatewayWorkbench.secret)\r\n"
            let head = try client.exchange("HEAD \(bench.path) HTTP/1.1\r\n\(credentials)\r\n", toHead: true)
            #expect(head.status == 200)
            #expect(head.header("Content-Length") == "200000")
            let part = try client.exchange(
                "HEAD \(bench.path) HTTP/1.1\r\n\(credentials)Range: bytes=0-9\r\n\r\n", toHead: true)
            #expect(part.status == 206)
            #expect(part.header("Content-Length") == "10")
            for _ in 0..<2 {
                let answer = try client.exchange("GET \(bench.path) HTTP/1.1\r\n\(credentials)\r\n")
                #expect(answer.body == Self.sound)
            }
        }
    }

    @Test func `another tenant, another call and a made-up name see nothing`() async throws {
        try await Self.serve { bench, address in
            #expect(try RawClient.get(address, bench.path, key: GatewayWorkbench.otherSecret).status == 404)
            #expect(try RawClient.get(address, bench.path, key: nil).status == 401)
            let none = RecordingID(of: bench.call, kind: "recording", name: "none")
            for path in [
                "/api/v1/calls/\(bench.call)/recordings/\(none)/media", "/api/v1/calls/\(bench.call)/recordings/x/media",
                "/api/v1/calls/\(CallID(time: .base, rest: 99))/recordings/\(bench.recording)/media",
            ] {
                let answer = try RawClient.get(address, path)
                #expect(answer.status == 404)
                #expect(try answer.code == "not-found")
            }
        }
    }

    @Test(arguments: [
        (Recording.Status.expected, 409, "recording-not-ready"), (.fetching, 409, "recording-not-ready"),
        (.failed, 404, "recording-not-kept"), (.notRecorded, 404, "recording-not-kept"), (.expired, 410, "recording-expired"),
        (.deleted, 410, "recording-expired"),
    ])
    func `a recording that is not here tells its state`(status: Recording.Status, code: Int, word: String) async throws {
        try await Self.serve(status: status) { bench, address in
            let answer = try RawClient.get(address, bench.path)
            #expect(answer.status == code)
            #expect(try answer.code == word)
        }
    }

    @Test func `a file that is missing is our fault, after its time it has expired`() async throws {
        try await Self.serve { bench, address in
            #expect(try bench.store.remove(bench.sha256, expiredAt: .latest))
            #expect(try RawClient.get(address, bench.path).status == 500)
            bench.gateway.clock.advance(by: .seconds(3601))
            let answer = try RawClient.get(address, bench.path)
            #expect(try answer.code == "recording-expired")
        }
    }

    @Test func `a merged call leads to the recording of the survivor`() async throws {
        try await Self.serve { bench, address in
            let survivor = try bench.add(2, status: .available)
            try bench.add(1, status: .available, revision: 2, mergedInto: survivor.call)
            let answer = try RawClient.get(address, bench.path)
            #expect(answer.status == 301)
            #expect(answer.header("Location") == "/api/v1/calls/\(survivor.call)/recordings/\(survivor.recording)/media")
        }
    }

    // MARK: Support

    private struct Bench {
        let gateway: GatewayWorkbench
        let store: FileRecordingStore
        let sha256: String
        var call = CallID(time: .base, rest: 1)
        var recording = RecordingID(of: CallID(time: .base, rest: 1), kind: "recording", name: "r1")

        var path: String { "/api/v1/calls/\(call)/recordings/\(recording)/media" }

        /// Puts a call with the recording `r1` into the journal.
        @discardableResult
        func add(
            _ number: UInt128, status: Recording.Status, revision: Int = 1, mergedInto: CallID? = nil
        ) throws -> (call: CallID, recording: RecordingID) {
            let id = CallID(time: .base, rest: number)
            var record = Call(
                id: id, revision: revision, tenant: .standard, connection: ConnectionID("bell"), provider: "bell",
                startedAt: .base, createdAt: .base, updatedAt: .base)
            var told = Recording(
                id: RecordingID(of: id, kind: "recording", name: "r1"), kind: .call, status: status, providerRef: "r1")
            told.readyAt = .base
            let now = gateway.clock.now()
            told.file = RecordingFile(
                sha256: sha256, byteCount: Int64(RecordingMediaTests.sound.count), mediaType: "audio/mpeg",
                keptUntil: now.advanced(by: .seconds(3600)))
            record.recordings = [told]
            record.mergedInto = mergedInto
            var json = PackedJSONWriter()
            record.write(to: &json)
            var batch = DerivedBatch()
            batch.calls = [CallRow(record)]
            batch.changes = [
                ChangeRow(tenant: .standard, call: id, type: .updated, revision: revision, body: json.packed)
            ]
            gateway.journal.submit(batch)
            return (id, told.id)
        }
    }

    private static func serve(
        status: Recording.Status = .available, _ body: (Bench, SocketAddress) async throws -> Void
    ) async throws {
        let folder = try TemporaryFolder()
        let store = try FileRecordingStore(path: folder.path + "/recordings", spare: 0)
        let draft = try store.begin()
        try sound.withUnsafeBytes { try draft.receive($0) }
        let gateway = try GatewayWorkbench()
        gateway.recordings.withLock { $0 = store }
        let bench = Bench(gateway: gateway, store: store, sha256: try draft.finish(keptUntil: nil).sha256)
        try bench.add(1, status: status)
        try await gateway.serve { address in try await body(bench, address) }
    }
}
