import Connector
import TestSupport
import Testing

struct RecordingKeeperTests {
    private static let tenant = TenantID.standard
    private let start = Instant.base

    private static func policy(concurrency: Int = 4, capacity: Int = 100) -> RecordingKeeper.Policy {
        var policy = RecordingKeeper.Policy()
        policy.concurrency = concurrency
        policy.capacity = capacity
        return policy
    }

    /// A change that tells of one recording.
    private static func change(
        _ position: Int64, call: UInt128 = 1, recording: String = "r1", status: Recording.Status = .expected, attempts: Int = 0,
        readyAt: Instant? = .base, mergedInto: CallID? = nil
    ) throws -> StoredChange {
        let id = CallID(time: .base, rest: call)
        var record = Call(
            id: id, revision: 1, tenant: .standard, connection: ConnectionID("test"), provider: "mango", startedAt: .base,
            createdAt: .base, updatedAt: .base)
        var told = Recording(
            id: RecordingID(of: id, kind: "recording", name: recording), kind: .call, status: status, providerRef: recording)
        told.readyAt = readyAt
        told.attempts = attempts
        record.recordings = [told]
        record.mergedInto = mergedInto
        return StoredChange(position: position, type: "call.updated", body: try record.json())
    }

    private static let file = RecordingFile(sha256: String(repeating: "a", count: 64), byteCount: 5, mediaType: "audio/mpeg")

    // MARK: What is begun

    @Test func `a recording that is ready is begun once, whatever revisions follow`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        keeper.observe(try Self.change(3), of: Self.tenant, at: start)
        keeper.observe(try Self.change(4), of: Self.tenant, at: start)
        let attempts = keeper.begin(at: start)
        #expect(attempts.map(\.name.reference) == ["r1"])
        #expect(attempts.first?.isFirst == true)
        #expect(keeper.begin(at: start).isEmpty)
        keeper.observe(try Self.change(5, status: .fetching), of: Self.tenant, at: start)
        #expect(keeper.begin(at: start).isEmpty)
    }

    @Test(arguments: [Recording.Status.available, .failed, .notRecorded, .expired, .deleted])
    func `a recording whose record says how it ended is left alone`(status: Recording.Status) throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        keeper.observe(try Self.change(1, status: status), of: Self.tenant, at: start)
        #expect(keeper.begin(at: start).isEmpty)
    }

    @Test func `what is not ready yet, or belongs to a merged call is left alone`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        let survivor = CallID(time: .base, rest: 9)
        keeper.observe(try Self.change(1, recording: "a", readyAt: nil), of: Self.tenant, at: start)
        keeper.observe(try Self.change(2, recording: "b", mergedInto: survivor), of: Self.tenant, at: start)
        #expect(keeper.begin(at: start).isEmpty)
        #expect(keeper.cursor == 2)
    }

    @Test(arguments: [Recording.Status.expected, .fetching], [RecordingKeeper.Outcome.tooLate, .noConnection])
    func `what was ready too long ago is given up, and its record says why`(
        status: Recording.Status, outcome: RecordingKeeper.Outcome
    ) throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        let old = start.advanced(by: .zero - .seconds(8 * 86_400))
        keeper.observe(try Self.change(1, status: status, attempts: 3, readyAt: old), of: Self.tenant, at: start)
        let attempt = try #require(keeper.begin(at: start).first)
        #expect(attempt.isTooLate)
        let told = keeper.end(attempt, outcome, at: start)
        let report = try #require(told)
        #expect(report.phase == .failed && report.attempts == 3)
        #expect(report.problem == "ready for more than 7 days: not fetched any more")
        let later = start.advanced(by: .seconds(300))
        #expect(keeper.begin(at: later).isEmpty)
        keeper.noteUntold(attempt, at: start)
        let again = try #require(keeper.begin(at: later).first, "it could not be written down")
        #expect(keeper.end(again, outcome, at: later) == report)
    }

    @Test func `no more are begun at once than the policy says`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy(concurrency: 2))
        for index in 1...5 {
            keeper.observe(try Self.change(Int64(index), recording: "r\(index)"), of: Self.tenant, at: start)
        }
        let first = keeper.begin(at: start)
        #expect(first.map(\.name.reference) == ["r1", "r2"])
        #expect(keeper.counts == (5, 2))
        _ = keeper.end(first[0], .stored(Self.file), at: start)
        #expect(keeper.counts == (4, 1))
        #expect(keeper.begin(at: start).map(\.name.reference) == ["r3"])
    }

    @Test func `beyond its capacity the feed is not read on`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy(capacity: 2))
        for index in 1...2 {
            #expect(keeper.hasRoom)
            keeper.observe(try Self.change(Int64(index), recording: "r\(index)"), of: Self.tenant, at: start)
        }
        #expect(!keeper.hasRoom)
    }

    // MARK: The cursor

    @Test func `the cursor stays behind what is not done, and begins there after a restart`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        keeper.observe(try Self.change(7), of: Self.tenant, at: start)
        keeper.noteEnd(of: Self.tenant, at: 20)
        #expect(keeper.cursor == 6)
        let attempt = try #require(keeper.begin(at: start).first)
        _ = keeper.end(attempt, .stored(Self.file), at: start)
        #expect(keeper.cursor == 6, "what was written down is not in the feed yet")
        var second = RecordingKeeper(cursor: keeper.cursor, policy: Self.policy())
        #expect(second.position(of: Self.tenant) == 6)
        second.observe(try Self.change(7, status: .fetching), of: Self.tenant, at: start)
        #expect(second.begin(at: start).first?.isFirst == false, "its beginning was told already")
        keeper.observe(try Self.change(21, status: .available, attempts: 1), of: Self.tenant, at: start)
        #expect(keeper.cursor == 21)
    }

    @Test func `what the feed never shows holds the cursor for a while only`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        keeper.observe(try Self.change(7), of: Self.tenant, at: start)
        let attempt = try #require(keeper.begin(at: start).first)
        _ = keeper.end(attempt, .stored(Self.file), at: start)
        _ = keeper.begin(at: start.advanced(by: .seconds(601)))
        #expect(keeper.cursor == 7)
    }

    @Test func `each tenant's feed has its own place, and the cursor is the last of them`() throws {
        var keeper = RecordingKeeper(cursor: 2, policy: Self.policy())
        keeper.noteEnd(of: TenantID("east"), at: 9)
        keeper.noteEnd(of: TenantID("west"), at: 5)
        #expect(keeper.cursor == 5)
        #expect(keeper.position(of: TenantID("east")) == 9)
        #expect(keeper.position(of: TenantID("new")) == 2)
    }

    // MARK: Failures

    @Test func `a failure is tried again after growing pauses, told seldom, and given up in the end`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        keeper.observe(try Self.change(1), of: Self.tenant, at: start)
        var now = start
        var pauses: [Int64] = []
        var told: [RecordingReport] = []
        for _ in 0..<10 {
            let attempt = try #require(keeper.begin(at: now).first)
            let report = keeper.end(attempt, .failed(problem: "404"), at: now)
            if let report { told.append(report) }
            var pause: Int64 = 0
            while report?.phase != .failed, keeper.begin(at: now.advanced(by: .seconds(pause + 5))).isEmpty, pause < 20_000 {
                pause += 5
            }
            guard report?.phase != .failed else { break }
            pauses.append(pause + 5)
            // The loop above began it: it is over before it is tried again.
            now = now.advanced(by: .seconds(pause + 5))
            _ = keeper.end(attempt, .noConnection, at: now)
            now = now.advanced(by: .seconds(60))
        }
        #expect(pauses == [5, 15, 45, 135, 405, 1215, 3645, 10_800, 10_800])
        #expect(told.map(\.phase) == [.fetching, .fetching, .failed])
        #expect(told.map(\.attempts) == [1, 4, 10])
        #expect(told.allSatisfy { $0.problem == "404" })
        #expect(keeper.begin(at: now.advanced(by: .seconds(30_000))).isEmpty)
    }

    @Test func `what cannot be mended by trying again is given up at once`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        keeper.observe(try Self.change(1), of: Self.tenant, at: start)
        let attempt = try #require(keeper.begin(at: start).first)
        let report = keeper.end(attempt, .failed(problem: "gone", isFinal: true), at: start)
        #expect(report == RecordingReport(key: "r1", phase: .failed, problem: "gone", attempts: 1))
    }

    @Test func `the provider's word when to come again counts where it is later`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        keeper.observe(try Self.change(1), of: Self.tenant, at: start)
        let attempt = try #require(keeper.begin(at: start).first)
        _ = keeper.end(attempt, .failed(problem: "429", after: .seconds(300)), at: start)
        #expect(keeper.begin(at: start.advanced(by: .seconds(299))).isEmpty)
        #expect(keeper.begin(at: start.advanced(by: .seconds(300))).count == 1)
    }

    @Test func `a full disk stops everything for a while and counts as no attempt`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy(concurrency: 1))
        keeper.observe(try Self.change(1), of: Self.tenant, at: start)
        keeper.observe(try Self.change(2, call: 2, recording: "r2"), of: Self.tenant, at: start)
        let attempt = try #require(keeper.begin(at: start).first)
        #expect(keeper.end(attempt, .noRoom, at: start) == nil)
        #expect(keeper.begin(at: start.advanced(by: .seconds(59))).isEmpty)
        let later = start.advanced(by: .seconds(60))
        let next = try #require(keeper.begin(at: later).first)
        let report = keeper.end(next, .stored(Self.file), at: later)
        #expect(report?.attempts == 1)
        #expect(report?.file == Self.file)
    }

    @Test func `an end that could not be written down is come to again`() throws {
        var keeper = RecordingKeeper(cursor: 0, policy: Self.policy())
        keeper.observe(try Self.change(1), of: Self.tenant, at: start)
        let attempt = try #require(keeper.begin(at: start).first)
        _ = keeper.end(attempt, .stored(Self.file), at: start)
        keeper.noteUntold(attempt, at: start)
        let later = start.advanced(by: .seconds(60))
        let next = try #require(keeper.begin(at: later).first)
        #expect(keeper.end(next, .stored(Self.file), at: later)?.attempts == 1)
    }
}
