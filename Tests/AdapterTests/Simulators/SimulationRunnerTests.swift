import Connector
import Synchronization
import Testing
import VendorSimulators

struct SimulationRunnerTests {
    @Test func `each request follows the answer of the one before, at the vendor's pace`() async throws {
        let gateway = FakeGateway()
        let clock = JumpingClock()
        let plan = try SimulationPlan(.mango(), scenarios: [.inboundMissed], calls: 2, rate: 0.01, seed: 1)
        let progress = await play(plan, over: gateway, concurrency: 1, clock)
        #expect(
            gateway.paths == [
                "/events/call", "/events/call", "/events/summary", "/events/call", "/events/call", "/events/summary",
            ])
        #expect(progress.calls == 2)
        #expect(progress.accepted == 6)
        #expect(clock.now.offset == .seconds(118))
    }

    @Test func `an answer that the vendor would not expect is counted and told, without the request's body`() async throws {
        let plan = try SimulationPlan(.mango(), scenarios: [.inboundMissed], calls: 10, speed: nil, seed: 1)
        let tally = await play(plan, over: FakeGateway(status: 401, body: "who are you"))
        #expect(tally.unexpected == 30)
        #expect(tally.statuses == [401: 30])
        #expect(tally.samples.count == 5)
        #expect(tally.samples[0] == #"inbound-missed: POST …/events/call was answered 401 "who are you", not 200"#)
        #expect(!SimulationReport(tally, duration: .seconds(1)).isGood)
    }

    @Test func `no answer is counted and told`() async throws {
        let error = OutgoingError(.connect, place: "http://127.0.0.1:1", reason: "refused", isTransient: true)
        let plan = try SimulationPlan(.mango(), scenarios: [.inboundMissed], calls: 1, speed: nil, seed: 1)
        let tally = await play(plan, over: FakeGateway(error: error))
        #expect(tally.failed == 3)
        #expect(tally.samples[0] == "inbound-missed: POST …/events/call was not answered: http://127.0.0.1:1: refused")
    }

    @Test func `the report says it in text and in JSON`() async throws {
        let plan = try SimulationPlan(.mango(), scenarios: [.inboundMissed], calls: 2, speed: nil, seed: 1)
        let report = SimulationReport(await play(plan, over: FakeGateway()), duration: .seconds(2))
        #expect(report.isGood)
        #expect(report.text.hasPrefix("requests     6 of 2 calls in 2.0 s, 3.0/s\nas expected  6\n"))
        let json = String(decoding: report.json, as: UTF8.self)
        #expect(json.hasPrefix(#"{"calls":2,"requests":6,"accepted":6,"unexpected":0,"unanswered":0,"seconds":2.0,"#))
        #expect(json.contains(#""statuses":{"200":6}"#))
    }

    @Test func `a cancelled simulation ends, and what it cuts off is no failure`() async throws {
        let gateway = FakeGateway(neverAnswers: true)
        let plan = try SimulationPlan(.mango(), scenarios: [.inboundMissed], calls: .max, speed: nil, seed: 1)
        let progress = SimulationProgress()
        let runner = SimulationRunner(
            plan, target: "", over: gateway, concurrency: 8, clock: JumpingClock(), timekeeper: FixedTime())
        let task = Task { await runner.run(progress) }
        var arrivals = gateway.arrivals.makeAsyncIterator()
        for _ in 0..<8 { await arrivals.next() }
        task.cancel()
        await task.value
        #expect(progress.now.requests == 0)
    }

    private func play(
        _ plan: SimulationPlan, over gateway: FakeGateway, concurrency: Int = 4, _ clock: JumpingClock = JumpingClock()
    ) async -> SimulationTally {
        let progress = SimulationProgress()
        await SimulationRunner(
            plan, target: "", over: gateway, concurrency: concurrency, clock: clock, timekeeper: FixedTime()
        ).run(progress)
        return progress.now
    }
}

/// Answers every request alike, and keeps their addresses.
private final class FakeGateway: Outgoing {
    let arrivals: AsyncStream<Void>
    private let arrival: AsyncStream<Void>.Continuation
    private let response: OutgoingResponse
    private let error: OutgoingError?
    private let neverAnswers: Bool
    private let seen = Mutex<[String]>([])

    init(status: Int = 200, body: String = "", error: OutgoingError? = nil, neverAnswers: Bool = false) {
        (arrivals, arrival) = AsyncStream.makeStream()
        response = OutgoingResponse(status: status, body: Array(body.utf8))
        self.error = error
        self.neverAnswers = neverAnswers
    }

    var paths: [String] { seen.withLock { $0 } }

    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        seen.withLock { $0.append(request.url) }
        arrival.yield()
        if let error { throw error }
        if neverAnswers {
            for await _ in AsyncStream<Void>.makeStream().stream {}
            try Task.checkCancellation()
        }
        return response
    }
}

private struct FixedTime: Timekeeper {
    func now() -> Instant { Instant(unixSeconds: 1_795_000_000) }
}

/// A clock on which every sleep ends at once, and the time is then what was slept for.
private final class JumpingClock: Clock {
    struct Instant: InstantProtocol {
        var offset: Duration
        func advanced(by duration: Duration) -> Self { Self(offset: offset + duration) }
        func duration(to other: Self) -> Duration { other.offset - offset }
        static func < (left: Self, right: Self) -> Bool { left.offset < right.offset }
    }

    private let time = Mutex(Instant(offset: .zero))
    let minimumResolution: Duration = .zero
    var now: Instant { time.withLock { $0 } }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        try Task.checkCancellation()
        time.withLock { $0 = max($0, deadline) }
    }
}
