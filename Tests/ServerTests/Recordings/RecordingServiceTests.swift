import Connector
import Digests
import Glibc
import HTTPClient
import HTTPServer
import Network
import Synchronization
import TestSupport
import Testing
import Threading

@testable import Recordings

/// From the vendor's word that a recording is ready to the file in the store: journal, ledger, service, and a vendor's server.
@Suite(.onItsOwnThread) struct RecordingServiceTests {
    private static func ready(_ name: String, at seconds: Int64 = 0) -> CallEvent {
        .make(
            "ready-\(name)", type: .recordingReady, at: seconds, keys: [ExternalKey(.session, "call-\(name)")],
            recording: RecordingReport(key: name, phase: .ready))
    }

    @Test func `a recording is fetched when it is ready, and its record says so`() async throws {
        try await Bench.run { bench in
            try await bench.serving {
                bench.receive(Self.ready("r1"))
                let recording = try bench.wait("r1") { $0.status == .available }
                #expect(recording.file?.sha256 == Digest.hash(Bench.sound("r1"), .sha256).hex)
                #expect(recording.file?.mediaType == "audio/mpeg")
                #expect(recording.attempts == 1)
                #expect(try bench.store.open(recording.file?.sha256 ?? "")?.byteCount == recording.file?.byteCount)
            }
            #expect(bench.client.asked.withLock { $0 } == ["r1"])
            #expect(bench.service().statistics == RecordingStatistics())
            let types = try bench.changes().map(\.type)
            #expect(types.last == "recording.ready")
            #expect(bench.journal.rawRecords.filter { $0.source == .system }.count == 2)
        }
    }

    @Test func `a recording that comes to nothing is failed with its reason, and is not asked for again`() async throws {
        try await Bench.run { bench in
            bench.client.failure.withLock { $0 = ProviderFailure(.unsupported, code: "no", text: "not for you") }
            try await bench.serving {
                bench.receive(Self.ready("r1"))
                let recording = try bench.wait("r1") { $0.status == .failed }
                #expect(recording.attempts == 1)
                bench.client.failure.withLock { $0 = nil }
                bench.receive(Self.ready("r2", at: 1))
                _ = try bench.wait("r2") { $0.status == .available }
            }
            #expect(bench.client.asked.withLock { $0 } == ["r1", "r2"])
            #expect(bench.news.withLock { $0 } == [.failed(ConnectionID("test"), problem: "not for you (no)")])
            #expect(try bench.changes().contains { $0.type == "recording.failed" })
        }
    }

    @Test func `a failure shows in the record while it is tried again, and a restart goes on`() async throws {
        try await Bench.run { bench in
            bench.client.failure.withLock { $0 = ProviderFailure(.unavailable, code: "503", text: "not well") }
            try await bench.serving {
                bench.receive(Self.ready("r1"))
                let recording = try bench.wait("r1") { $0.attempts == 1 }
                #expect(recording.status == .fetching)
            }
            bench.client.failure.withLock { $0 = nil }
            try await bench.serving {
                let recording = try bench.wait("r1") { $0.status == .available }
                #expect(recording.attempts == 2)
            }
        }
    }

    @Test func `after a restart nothing is fetched twice, and what came meanwhile is not forgotten`() async throws {
        try await Bench.run { bench in
            try await bench.serving {
                bench.receive(Self.ready("r1"))
                _ = try bench.wait("r1") { $0.status == .available }
            }
            bench.receive(Self.ready("r2", at: 1))
            try await bench.serving {
                _ = try bench.wait("r2") { $0.status == .available }
            }
            // Even where the place in the feed is lost.
            try bench.folder.write("", to: "cursor")
            try await bench.serving {
                bench.receive(Self.ready("r3", at: 2))
                _ = try bench.wait("r3") { $0.status == .available }
            }
            #expect(bench.client.asked.withLock { $0 } == ["r1", "r2", "r3"])
        }
    }

    @Test func `a recording of this machine is taken as it lies, and a spent original goes once the record tells of the copy`()
        async throws
    {
        try await Bench.run { bench in
            let places = ["spent": true, "kept": false].mapValues { isSpent in
                LocalRecording(path: "\(bench.folder.path)/\(isSpent).wav", isSpent: isSpent)
            }
            for place in places.values { try bench.folder.write("RIFF0000WAVE" + place.path, to: "\(place.isSpent).wav") }
            bench.client.local.withLock { $0 = places }
            try await bench.serving {
                for (number, name) in places.keys.sorted().enumerated() { bench.receive(Self.ready(name, at: Int64(number))) }
                for (name, place) in places {
                    let recording = try bench.wait(name) { $0.status == .available }
                    #expect(recording.file?.mediaType == "audio/wav")
                    #expect(recording.file?.sha256 == Digest.hash(Array("RIFF0000WAVE\(place.path)".utf8), .sha256).hex)
                    #expect(try bench.store.open(recording.file?.sha256 ?? "") != nil)
                }
                bench.receive(Self.ready("another", at: 9))
                _ = try bench.wait("another") { $0.status == .available }
            }
            #expect(access(bench.folder.path + "/true.wav", F_OK) != 0)
            #expect(access(bench.folder.path + "/false.wav", F_OK) == 0)
        }
    }

    @Test func `a file of this machine that is not there, or is none, is failed at once`() async throws {
        try await Bench.run { bench in
            bench.client.local.withLock {
                $0 = [
                    "gone": LocalRecording(path: bench.folder.path + "/gone.wav"),
                    "folder": LocalRecording(path: bench.folder.path),
                ]
            }
            try await bench.serving {
                bench.receive(Self.ready("gone"))
                bench.receive(Self.ready("folder", at: 1))
                for name in ["gone", "folder"] {
                    let recording = try bench.wait(name) { $0.status == .failed }
                    #expect(recording.attempts == 1)
                }
            }
            #expect(bench.client.asked.withLock { $0 }.isEmpty)
        }
    }

    @Test func `a connection without a client leaves its recordings as they are`() async throws {
        try await Bench.run { bench in
            try await bench.serving {
                bench.receive(Self.ready("r1"), to: .mute)
                bench.receive(Self.ready("r2", at: 1))
                _ = try bench.wait("r2") { $0.status == .available }
            }
            #expect(try bench.published().filter { $0.connection == ConnectionProfile.mute.id }.count == 1)
            #expect(bench.client.asked.withLock { $0 } == ["r2"])
        }
    }

    @Test func `no more are fetched at once than the policy says`() async throws {
        try await Bench.run { bench in
            try await bench.serving {
                for index in 0..<12 { bench.receive(Self.ready("r\(index)", at: Int64(index))) }
                for index in 0..<12 { _ = try bench.wait("r\(index)") { $0.status == .available } }
            }
            #expect(bench.client.most.withLock { $0 } <= 2)
            #expect(bench.client.asked.withLock { Set($0).count } == 12)
        }
    }

    @Test func `a recording whose time is over is told so and removed, others stay`() async throws {
        try await Bench.run { bench in
            bench.retention.withLock { $0 = .seconds(86_400) }
            try await bench.serving {
                bench.receive(Self.ready("r1"))
                let first = try bench.wait("r1") { $0.status == .available }
                #expect(first.file?.keptUntil == bench.clock.now().advanced(by: .seconds(86_400)))
                bench.clock.advance(by: .seconds(43_200))
                bench.receive(Self.ready("r2", at: 1))
                let second = try bench.wait("r2") { $0.status == .available }
                let service = bench.service()
                var expiry = RecordingExpiry()
                try await service.expire(&expiry)
                bench.clock.advance(by: .seconds(43_200))
                try await service.expire(&expiry)
                let expired = try bench.wait("r1") { $0.status == .expired }
                #expect(expired.file == first.file)
                try await service.expire(&expiry)
                #expect(try bench.store.open(first.file?.sha256 ?? "") == nil)
                #expect(try bench.store.open(second.file?.sha256 ?? "") != nil)
                let phases = try bench.published().flatMap(\.recordings).filter { $0.reference == "r2" }.map(\.status)
                #expect(!phases.contains(.expired))
            }
        }
    }

    // MARK: Support

    private final class ScriptedClient: ProviderClient {
        let base: String
        let asked = Guarded<[String]>([])
        let failure = Guarded<ProviderFailure?>(nil)
        let most = Guarded(0)
        /// Recordings that lie on this machine, by their names.
        let local = Guarded<[String: LocalRecording]>([:])
        private let present = Guarded(0)

        init(base: String) { self.base = base }

        func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
            throw ProviderFailure(.unsupported, code: "none", text: "none")
        }

        func recordingPlace(_ reference: String) async throws(ProviderFailure) -> RecordingPlace {
            if let original = local.withLock({ $0[reference] }) { return .local(original) }
            return .remote(try await recording(reference))
        }

        func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
            asked.withLock { $0.append(reference) }
            let now = present.withLock {
                $0 += 1
                return $0
            }
            most.withLock { $0 = max($0, now) }
            await Task.yield()
            present.withLock { $0 -= 1 }
            if let failure = failure.withLock({ $0 }) { throw failure }
            return OutgoingRequest("GET", "\(base)/sound/\(reference)")
        }
    }

    private final class Bench: Sendable {
        let folder: TemporaryFolder
        let journal: MemoryJournal
        let signal = ChangeSignal()
        let clock = ManualClock(.base)
        let store: FileRecordingStore
        let client: ScriptedClient
        let outgoing: OutgoingHTTP
        let news = Guarded<[RecordingNews]>([])
        let retention = Guarded<Duration?>(nil)
        private let bell = Bell()
        private let chance = Atomic<UInt64>(0)

        static func sound(_ name: String) -> [UInt8] { Array("ID3 the sound of \(name)".utf8) }

        static func run(_ body: (Bench) async throws -> Void) async throws {
            var router = Router()
            router.get("/sound/{name}") { request in
                HTTPResponse(200, body: .bytes(sound(request.parameters["name"] ?? "")))
            }
            try await withServer(router) { _, address in
                let bench = try Bench(base: "http://\(address)")
                do {
                    try await body(bench)
                } catch {
                    await bench.outgoing.shutdown()
                    throw error
                }
                await bench.outgoing.shutdown()
            }
        }

        private init(base: String) throws {
            folder = try TemporaryFolder()
            store = try FileRecordingStore(path: folder.path + "/recordings", spare: 0)
            client = ScriptedClient(base: base)
            outgoing = try OutgoingHTTP()
            let (signal, bell) = (signal, bell)
            journal = MemoryJournal {
                signal.publish($0)
                bell.ring()
            }
        }

        func service() -> RecordingService {
            var policy = RecordingKeeper.Policy()
            policy.concurrency = 2
            let (client, news) = (client, news)
            return RecordingService(
                journal: journal, store: store, outgoing: outgoing, cursorPath: folder.path + "/cursor", signal: signal,
                sources: RecordingSources(
                    tenants: { [.standard] },
                    source: { connection in
                        let isMute = connection == ConnectionProfile.mute.id
                        return RecordingSource(client: isMute ? nil : client, home: WebOrigin(client.base))
                    }),
                timekeeper: clock, policy: policy, retention: retention.withLock { $0 }, pace: .zero,
                makeRawID: { RawID(time: $0, rest: UInt128(self.chance.add(1, ordering: .relaxed).newValue) << 32) },
                report: { one in news.withLock { $0.append(one) } })
        }

        /// Runs ledger and service as long as `body` lasts.
        func serving(_ body: () async throws -> Void) async throws {
            let ledger = LedgerService(
                journal: journal, roster: TestRoster([.test, .mute]), numbering: PlainNumbering(), timekeeper: clock,
                makeRawID: { RawID(time: $0, rest: UInt128(self.chance.add(1, ordering: .relaxed).newValue)) }, report: { _ in })
            let thread = Threads.start { ledger.run() }
            let service = service()
            let task = Task { await service.run() }
            let outcome: Result<Void, any Error>
            do { outcome = .success(try await body()) } catch { outcome = .failure(error) }
            task.cancel()
            await task.value
            ledger.stop()
            thread.join()
            try outcome.get()
        }

        func receive(_ event: CallEvent, to profile: ConnectionProfile = .test) {
            #expect(journal.append([.telling(event, to: profile)]) { _ in })
        }

        func changes() throws -> [StoredChange] {
            try journal.makeReader().changes(tenant: .standard, after: 0, limit: 1000)
        }

        func published() throws -> [PublishedCall] { try changes().compactMap { PublishedCall($0.body) } }

        /// Waits for a revision in which the recording is as it should be.
        func wait(_ name: String, until isDone: (PublishedRecording) -> Bool) throws -> PublishedRecording {
            var found: PublishedRecording?
            bell.wait {
                let all = (try? self.published()) ?? []
                found = all.lazy.flatMap(\.recordings).last { $0.reference == name && isDone($0) }
                return found != nil
            }
            return try #require(found)
        }
    }
}

extension ConnectionProfile {
    /// A connection that can only be listened to.
    fileprivate static let mute = ConnectionProfile(id: ConnectionID("mute"), provider: "mango")
}
