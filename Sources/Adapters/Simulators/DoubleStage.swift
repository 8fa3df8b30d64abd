import Connector

/// Lets a double play: answers its requests one after another, begins the calls of a plan, and sends the webhooks that follow, with
/// the faults that are asked for.
///
/// `run()` sends; without it, or without a gateway, webhooks are not sent and requests are answered all the same.
package actor DoubleStage<Time: Clock> where Time.Duration == Duration {
    private struct Play: Sendable {
        var call: String
        var steps: [SimulatedStep]
        /// How often the call had been stopped when this began.
        var stops: Int
    }

    /// What is under way of one call.
    private struct Course {
        var plays = 0
        var stops = 0
    }

    private var double: any VendorDouble
    private let faults: DoubleFaults
    private let gateway: String?
    private let outgoing: any Outgoing
    private let clock: Time
    private let timekeeper: any Timekeeper
    private let speed: Double?
    private let tell: @Sendable (DoubleNews) -> Void
    private let chances: SimulatedPeople
    private var courses: [String: Course] = [:]
    private var sent = 0
    private var asked = 0
    private let plays: AsyncStream<Play>
    private let begin: AsyncStream<Play>.Continuation

    /// - Parameters:
    ///   - gateway: the address of the connection's entrance, without a slash at its end; nil sends nothing but what was subscribed to.
    ///   - clock: what waiting is measured by.
    ///   - timekeeper: what time it is; the vendor's own clock may be wrong on demand.
    ///   - speed: how many times as fast as the vendor; nil waits for nothing.
    ///   - tell: hears what happens; called on the actor.
    package init(
        _ double: any VendorDouble, faults: DoubleFaults = .none, gateway: String?, over outgoing: any Outgoing, clock: Time,
        timekeeper: any Timekeeper, speed: Double? = 1, seed: UInt64, tell: @escaping @Sendable (DoubleNews) -> Void = { _ in }
    ) {
        self.double = double
        self.faults = faults
        self.gateway = gateway
        self.outgoing = outgoing
        self.clock = clock
        self.timekeeper = timekeeper
        self.speed = speed
        self.tell = tell
        chances = SimulatedPeople(seed: seed)
        (plays, begin) = AsyncStream.makeStream(bufferingPolicy: .bufferingOldest(100_000))
    }

    /// By the vendor's clock.
    private var now: Instant { timekeeper.now().advanced(by: faults.clockOffset) }

    // MARK: Answering

    /// Answers a request and sets going what follows.
    package func answer(_ request: DoubleRequest) async -> DoubleAnswer {
        var request = request
        request.receivedAt = request.receivedAt.advanced(by: faults.clockOffset)
        var answer = double.answer(request)
        for effect in answer.effects { apply(effect) }
        asked += 1
        let mayBeSilent = faults.silentPath.map { request.path.contains($0) } ?? true
        if mayBeSilent, chances.happens(faults.silentShare, "silent \(asked)") {
            answer.manner = .never
        } else if chances.happens(faults.brokenShare, "broken \(asked)") {
            answer.manner = .half
        }
        await wait(faults.delay)
        tell(.answered(method: request.method, path: request.path, status: answer.manner == .never ? 0 : answer.status))
        return answer
    }

    private func apply(_ effect: DoubleEffect) {
        switch effect {
        case .play(let call, let steps):
            let play = Play(call: call, steps: steps, stops: courses[call]?.stops ?? 0)
            if case .enqueued = begin.yield(play) { courses[call, default: Course()].plays += 1 }
        case .stop(let call): courses[call]?.stops += 1
        }
    }

    // MARK: Playing

    /// Begins the calls of a plan, each at its time. What they send is sent by `run()`.
    /// - Parameter origin: where the double is reached: `http://127.0.0.1:8090`.
    package func play(_ plan: DoublePlan, origin: String) async {
        let start = clock.now
        for number in 0..<plan.calls {
            guard !Task.isCancelled else { return }
            let pause = clock.now.duration(to: start.advanced(by: plan.beginning(of: number)))
            await wait(pause)
            let (scenario, seed) = plan.call(number)
            for effect in beginning(scenario, seed, origin) { apply(effect) }
        }
    }

    /// A call that is played faster than the vendor's begins earlier by what is saved: none of its messages comes from the future.
    private func beginning(_ scenario: Scenario, _ seed: UInt64, _ origin: String) -> [DoubleEffect] {
        var rehearsal = double
        var effects = rehearsal.begin(scenario, seed: seed, at: now, origin: origin) ?? []
        if let call = effects.question { effects += rehearsal.heard(nil, of: call, at: now) }
        let whole = effects.duration
        let saved = speed.map { whole - whole / $0 } ?? whole
        return double.begin(scenario, seed: seed, at: now.advanced(by: .zero - saved), origin: origin) ?? []
    }

    /// Sends the webhooks of whatever plays, until the task is cancelled.
    package func run() async {
        await withDiscardingTaskGroup { group in
            for await play in plays { group.addTask { await self.perform(play) } }
        }
    }

    private func perform(_ play: Play) async {
        await wait(faults.delay)
        for step in play.steps {
            await wait(speed.map { step.delay / $0 } ?? .zero)
            guard !Task.isCancelled, courses[play.call]?.stops == play.stops else { break }
            let deliveries = double.deliveries(of: step, at: now)
            if step.isQuestion {
                await ask(deliveries.first, of: play.call)
            } else {
                for delivery in deliveries { await deliver(delivery) }
            }
        }
        end(play)
    }

    private func end(_ play: Play) {
        courses[play.call]?.plays -= 1
        guard courses[play.call]?.plays == 0 else { return }
        courses[play.call] = nil
        guard !Task.isCancelled, let truth = double.truth(of: play.call) else { return }
        tell(.ended(truth.shifted(by: .zero - faults.clockOffset)))
    }

    private func deliver(_ step: SimulatedStep) async {
        sent += 1
        guard !chances.happens(faults.lostShare, "lost \(sent)") else { return tell(.lost(target: step.place)) }
        let isRepeated = chances.happens(faults.repeatedShare, "repeated \(sent)")
        for _ in 0..<(isRepeated ? 2 : 1) { _ = await send(step) }
    }

    /// Without an answer the vendor goes on as it would have.
    private func ask(_ step: SimulatedStep?, of call: String) async {
        var answer: OutgoingResponse?
        if let step {
            sent += 1
            if chances.happens(faults.lostShare, "lost \(sent)") {
                tell(.lost(target: step.place))
            } else {
                answer = await send(step)
            }
        }
        let usable = answer.flatMap { $0.status == 200 ? $0 : nil }
        for effect in double.heard(usable, of: call, at: now) { apply(effect) }
    }

    private func send(_ step: SimulatedStep) async -> OutgoingResponse? {
        guard let address = step.isAddressed ? step.target : gateway.map({ $0 + step.target }) else { return nil }
        do {
            let response = try await outgoing.send(
                OutgoingRequest(step.method, address, headers: step.headers, body: step.body))
            tell(.sent(target: step.place, status: response.status))
            return response
        } catch {
            tell(.failed(target: step.place, reason: "\(error)"))
            return nil
        }
    }

    /// Cut short by the end of the stage.
    private func wait(_ duration: Duration) async {
        guard duration > .zero else { return }
        do {
            try await clock.sleep(for: duration)
        } catch {
            // Cancelled: who waited looks at the task.
        }
    }
}

extension SimulatedStep {
    /// Whether it goes to an address of its own.
    fileprivate var isAddressed: Bool { target.hasPrefix("http://") || target.hasPrefix("https://") }

    /// What may be told of where it goes: an address that was subscribed with holds the gateway's secret.
    fileprivate var place: String { isAddressed ? "the subscriber" : target }
}

extension [DoubleEffect] {
    /// The call that waits for an answer.
    fileprivate var question: String? {
        lazy.compactMap { effect -> String? in
            guard case .play(let call, let steps) = effect, steps.contains(where: \.isQuestion) else { return nil }
            return call
        }.first
    }

    fileprivate var duration: Duration {
        reduce(.zero) { whole, effect in
            guard case .play(_, let steps) = effect else { return whole }
            return whole + steps.reduce(.zero) { $0 + $1.delay }
        }
    }
}

/// What happens on a stage. Without queries: they may hold numbers.
package enum DoubleNews: Sendable, Equatable, CustomStringConvertible {
    /// Status 0: on purpose, nothing was answered.
    case answered(method: String, path: String, status: Int)
    case sent(target: String, status: Int)
    case lost(target: String)
    case failed(target: String, reason: String)
    /// A call is over, and this is what happened in it.
    case ended(CallTruth)

    package var description: String {
        switch self {
        case .answered(let method, let path, 0): "\(method) \(path): not answered, on purpose"
        case .answered(let method, let path, let status): "\(method) \(path): \(status)"
        case .sent(let target, let status): "webhook \(target): \(status)"
        case .lost(let target): "webhook \(target): lost on purpose"
        case .failed(let target, let reason): "webhook \(target): \(reason)"
        case .ended(let truth): "a call is over: \(truth.direction.rawValue), \(truth.disposition.rawValue)"
        }
    }
}
