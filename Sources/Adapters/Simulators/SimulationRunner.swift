import Connector
import Synchronization

/// Plays a plan's calls against a gateway, through the port `Outgoing`.
///
/// Within a call the next request follows the answer of the one before, after the delay that the plan leaves; calls run side by
/// side, `concurrency` of them at most: a call whose time has come waits for a place. Where the tasks run is the caller's choice
/// (`withTaskExecutorPreference`).
package struct SimulationRunner<Time: Clock>: Sendable where Time.Duration == Duration {
    private let plan: SimulationPlan
    private let target: String
    private let outgoing: any Outgoing
    private let concurrency: Int
    private let deadline: Duration
    private let clock: Time
    private let timekeeper: any Timekeeper

    /// - Parameters:
    ///   - target: the address of the connection's entrance, without a slash at its end: `http://127.0.0.1:8080/hooks/sales`.
    ///   - deadline: of one request.
    ///   - clock: what the delays are kept by.
    ///   - timekeeper: what the vendor's clock shows.
    package init(
        _ plan: SimulationPlan, target: String, over outgoing: any Outgoing,
        concurrency: Int = 64, deadline: Duration = .seconds(30), clock: Time, timekeeper: any Timekeeper
    ) {
        self.plan = plan
        self.target = target
        self.outgoing = outgoing
        self.concurrency = max(1, concurrency)
        self.deadline = deadline
        self.clock = clock
        self.timekeeper = timekeeper
    }

    /// Plays the plan to its end, or until the task is cancelled. Never throws: what goes wrong is in the progress.
    package func run(_ progress: SimulationProgress = SimulationProgress()) async {
        let start = clock.now
        let next = CallCounter(limit: plan.calls)
        await withTaskGroup(of: Void.self) { group in
            for _ in 0..<min(concurrency, plan.calls) {
                group.addTask {
                    while !Task.isCancelled, let number = next.take() {
                        await play(number, beginningAt: start.advanced(by: plan.beginning(of: number)), progress)
                    }
                }
            }
        }
    }

    private func play(_ number: Int, beginningAt begin: Time.Instant, _ progress: SimulationProgress) async {
        guard await wait(until: begin), let (scenario, call) = plan.call(number, at: timekeeper.now()) else { return }
        for step in call.steps {
            guard await wait(until: clock.now.advanced(by: step.delay)) else { return }
            await send(step, of: scenario, progress)
        }
        progress.tally.withLock { $0.endCall() }
    }

    /// False when the simulation has been cancelled.
    private func wait(until instant: Time.Instant) async -> Bool {
        guard instant > clock.now else { return !Task.isCancelled }
        do {
            try await clock.sleep(until: instant, tolerance: nil)
            return true
        } catch {
            return false
        }
    }

    private func send(_ step: SimulatedStep, of scenario: Scenario, _ progress: SimulationProgress) async {
        let request = OutgoingRequest(
            step.method, target + step.target, headers: step.headers, body: step.body, deadline: deadline)
        let begin = clock.now
        do {
            let response = try await outgoing.send(request)
            let duration = begin.duration(to: clock.now)
            progress.tally.withLock { $0.record(step, answeredBy: response, after: duration, in: scenario) }
        } catch {
            // What the end of the simulation cuts off is no failure of the gateway.
            guard !Task.isCancelled else { return }
            progress.tally.withLock { $0.record(step, failedBy: error, in: scenario) }
        }
    }
}

/// How far a simulation is; may be looked at while it runs.
package final class SimulationProgress: Sendable {
    let tally = Mutex(SimulationTally())

    package init() {}

    package var now: SimulationTally { tally.withLock { $0 } }
}

/// Hands out the numbers of calls.
private final class CallCounter: Sendable {
    private let limit: Int
    private let next = Atomic<Int>(0)

    init(limit: Int) { self.limit = limit }

    func take() -> Int? {
        let number = next.wrappingAdd(1, ordering: .relaxed).oldValue
        return number < limit ? number : nil
    }
}
