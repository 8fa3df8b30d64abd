import Connector
import Digests
import HTTPClient
import HTTPServer
import Network
import Synchronization
import TestSupport
import Testing

@testable import Recordings

/// Fetching from a server of ours on loopback.
struct RecordingFetcherTests {
    private static let sound = Array("ID3".utf8) + [UInt8](repeating: 7, count: 300_000)

    @Test func `a recording comes by way of redirects, byte by byte as it was`() async throws {
        try await Bench.run { bench in
            for path in ["/sound", "/moved", "/moved-twice"] {
                let file = try await bench.fetch(OutgoingRequest("GET", bench.base + path))
                #expect(file.sha256 == Digest.hash(Self.sound, .sha256).hex)
                #expect(file.byteCount == Int64(Self.sound.count))
                #expect(file.mediaType == "audio/mpeg")
                #expect(try bench.store.open(file.sha256)?.read(from: 0, count: 1 << 20) == Self.sound)
            }
        }
    }

    @Test func `a POST that is answered with a redirect is followed by a GET without body`() async throws {
        try await Bench.run { bench in
            let request = OutgoingRequest(
                "POST", bench.base + "/link", headers: [HeaderField(name: "Content-Type", value: "text/plain")], body: [1])
            let file = try await bench.fetch(request)
            #expect(file.byteCount == Int64(Self.sound.count))
        }
    }

    @Test func `credentials stay with the host they were made for`() async throws {
        try await Bench.run { bench in
            let headers = [HeaderField(name: "Authorization", value: "Bearer secret")]
            _ = try await bench.fetch(OutgoingRequest("GET", bench.base + "/moved", headers: headers))
            #expect(bench.seen.withLock { $0 } == ["Bearer secret", "Bearer secret"])
            bench.seen.withLock { $0 = [] }
            // By another name it is another host, and a private one that nobody configured.
            let elsewhere = "http://localhost:\(bench.port)/sound"
            let error = await #expect(throws: OutgoingError.self) {
                try await bench.fetch(OutgoingRequest("GET", bench.base + "/to?\(elsewhere)", headers: headers))
            }
            #expect(error?.code == .forbidden)
            #expect(bench.seen.withLock { $0 } == ["Bearer secret"])
        }
    }

    @Test func `a private address is refused unless the connection's own server has it`() async throws {
        try await Bench.run { bench in
            let request = OutgoingRequest("GET", bench.base + "/sound")
            for home in [nil, WebOrigin("https://pbx.example"), WebOrigin("http://127.0.0.1:1")] {
                let error = await #expect(throws: OutgoingError.self) { try await bench.fetcher.fetch(request, home: home) }
                #expect(error?.code == .forbidden)
            }
            #expect(bench.seen.withLock { $0 }.isEmpty, "nobody was connected to")
        }
    }

    @Test(arguments: ["/html", "/json", "/empty", "/missing", "/loop", "/nowhere"])
    func `what is no recording is a failure and leaves nothing`(path: String) async throws {
        try await Bench.run { bench in
            await #expect(throws: RecordingFetcher.Problem.self) {
                try await bench.fetch(OutgoingRequest("GET", bench.base + path))
            }
        }
    }

    @Test func `a file that is gone for good, and a word when to come again`() async throws {
        try await Bench.run { bench in
            let gone = await #expect(throws: RecordingFetcher.Problem.self) {
                try await bench.fetch(OutgoingRequest("GET", bench.base + "/gone"))
            }
            #expect(gone == RecordingFetcher.Problem(text: "the server answered 410", isFinal: true))
            let busy = await #expect(throws: RecordingFetcher.Problem.self) {
                try await bench.fetch(OutgoingRequest("GET", bench.base + "/busy"))
            }
            #expect(busy == RecordingFetcher.Problem(text: "the server answered 503", after: .seconds(120)))
        }
    }

    @Test func `more than the bound is not taken`() async throws {
        try await Bench.run { bench in
            var fetcher = bench.fetcher
            fetcher.byteLimit = Self.sound.count - 1
            let error = await #expect(throws: OutgoingError.self) {
                try await fetcher.fetch(OutgoingRequest("GET", bench.base + "/sound"), home: WebOrigin(bench.base))
            }
            #expect(error?.code == .tooLarge)
        }
    }

    @Test(
        arguments: [
            ("https://a.example/x", "a.example:443"), ("http://A.example", "a.example:80"), ("https://[::1]/", "[::1]:443"),
            ("https://[::1]:8443/", "[::1]:8443"), ("ftp://a", nil), ("https://", nil), ("https://user@a.example/", nil),
            ("https://a.example\\@b.example/", "a.example:443"), ("//a.example", nil),
        ] as [(String, String?)]) func `an origin is scheme, host and port`(url: String, authority: String?)
    {
        #expect(WebOrigin(url)?.authority == authority)
    }

    @Test(
        arguments: [
            ("ID3\u{3}", "audio/mpeg"), ("RIFF1234WAVEfmt ", "audio/wav"), ("OggS", "audio/ogg"), ("fLaC", "audio/flac"),
            ("1234", nil),
        ] as [(String, String?)]) func `a format is known by its first bytes`(text: String, type: String?)
    {
        #expect(MediaType.sniffed(Array(text.utf8)) == type)
    }

    // MARK: Support

    private struct Bench: Sendable {
        let base: String
        let port: UInt16
        let store: FileRecordingStore
        let fetcher: RecordingFetcher
        let seen: Guarded<[String]>

        func fetch(_ request: OutgoingRequest) async throws -> RecordingFile {
            try await fetcher.fetch(request, home: WebOrigin(base))
        }

        static func run(_ body: (Bench) async throws -> Void) async throws {
            let folder = try TemporaryFolder()
            let store = try FileRecordingStore(path: folder.path + "/recordings", spare: 0)
            let seen = Guarded<[String]>([])
            try await withServer(router(seen)) { _, address in
                let client = try OutgoingHTTP()
                let bench = Bench(
                    base: "http://\(address)", port: address.port, store: store,
                    fetcher: RecordingFetcher(outgoing: client, store: store), seen: seen)
                do {
                    try await body(bench)
                } catch {
                    await client.shutdown()
                    throw error
                }
                await client.shutdown()
            }
        }

        private static func router(_ seen: Guarded<[String]>) -> Router {
            var router = Router()
            func answer(_ path: String, _ make: @escaping @Sendable (HTTPRequest) -> HTTPResponse) {
                router.get(path) { request in
                    if let credentials = request.headers["Authorization"] { seen.withLock { $0.append(credentials) } }
                    return make(request)
                }
            }
            answer("/sound") { _ in
                HTTPResponse(200, headers: ["Content-Type": "audio/mpeg; x=y"], body: .bytes(RecordingFetcherTests.sound))
            }
            answer("/moved") { _ in HTTPResponse(302, headers: ["Location": "/sound"]) }
            answer("/moved-twice") { _ in HTTPResponse(307, headers: ["Location": "/moved"]) }
            answer("/to") { request in
                HTTPResponse(302, headers: ["Location": request.query.map(\.name).joined()])
            }
            answer("/loop") { _ in HTTPResponse(302, headers: ["Location": "/loop"]) }
            answer("/nowhere") { _ in HTTPResponse(302) }
            answer("/html") { _ in .text("<html>", type: "text/html") }
            answer("/json") { _ in .text("{}", type: "application/json") }
            answer("/empty") { _ in HTTPResponse(200, headers: ["Content-Type": "audio/mpeg"]) }
            answer("/gone") { _ in HTTPResponse(410) }
            answer("/busy") { _ in HTTPResponse(503, headers: ["Retry-After": "120"]) }
            router.post("/link") { _ in HTTPResponse(302, headers: ["Location": "/sound"]) }
            return router
        }
    }
}
