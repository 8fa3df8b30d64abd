import Connector

/// Lets a double play: answers its requests one after another, and sends the webhooks that follow, with the faults that are asked for.
///
/// `run()` sends; without it, or without a gateway, webhooks are not sent and requests are answered all the same.
package actor DoubleStage<Time: Clock> where Time.Duration == Duration {
    private struct Play: Sendable {
        var call: String
        var steps: [SimulatedStep]
        /// How often the call had been stopped when this began.
        var stops: Int
    }

    private var double: any VendorDouble
    private let faults: DoubleFaults
    private let gateway: String?
    private let outgoing: any Outgoing
    private let clock: Time
    private let speed: Double?
    private let tell: @Sendable (DoubleNews) -> Void
    private let chances: SimulatedPeople
    private var stops: [String: Int] = [:]
    private var sent = 0
    private let plays: AsyncStream<Play>
    private let begin: AsyncStream<Play>.Continuation

    /// - Parameters:
    ///   - gateway: the address of the connection's entrance, without a slash at its end; nil sends nothing.
    ///   - speed: how many times as fast as the vendor; nil waits for nothing.
    ///   - tell: hears what happens; called on the actor.
    package init(
        _ double: any VendorDouble, faults: DoubleFaults = .none, gateway: String?, over outgoing: any Outgoing, clock: Time,
        speed: Double? = 1, seed: UInt64, tell: @escaping @Sendable (DoubleNews) -> Void = { _ in }
    ) {
        self.double = double
        self.faults = faults
        self.gateway = gateway
        self.outgoing = outgoing
        self.clock = clock
        self.speed = speed
        self.tell = tell
        chances = SimulatedPeople(seed: seed)
        (plays, begin) = AsyncStream.makeStream(bufferingPolicy: .bufferingNewest(10_000))
    }

    /// Answers a request and sets going what follows.
    package func answer(_ request: DoubleRequest) async -> DoubleAnswer {
        let answer = double.answer(request)
        for effect in answer.effects { apply(effect) }
        await wait(faults.delay)
        tell(.answered(method: request.method, path: request.path, status: answer.status))
        return answer
    }

    private func apply(_ effect: DoubleEffect) {
        switch effect {
        case .play(let call, let steps): begin.yield(Play(call: call, steps: steps, stops: stops[call, default: 0]))
        case .stop(let call): stops[call, default: 0] += 1
        }
    }

    /// Sends the webhooks of whatever plays, until the task is cancelled.
    package func run() async {
        await withTaskGroup(of: Void.self) { group in
            for await play in plays { group.addTask { await self.perform(play) } }
        }
    }

    private func perform(_ play: Play) async {
        guard let gateway else { return }
        await wait(faults.delay)
        for step in play.steps {
            await wait(speed.map { step.delay / $0 } ?? .zero)
            guard !Task.isCancelled, stops[play.call, default: 0] == play.stops else { return }
            sent += 1
            guard !happens(faults.lostShare, "lost") else {
                tell(.lost(target: step.target))
                continue
            }
            let isRepeated = happens(faults.repeatedShare, "repeated")
            for _ in 0..<(isRepeated ? 2 : 1) { await send(step, to: gateway) }
        }
    }

    private func send(_ step: SimulatedStep, to gateway: String) async {
        do {
            let response = try await outgoing.send(
                OutgoingRequest(step.method, gateway + step.target, headers: step.headers, body: step.body))
            tell(.sent(target: step.target, status: response.status))
        } catch {
            tell(.failed(target: step.target, reason: "\(error)"))
        }
    }

    private func happens(_ share: Double, _ what: String) -> Bool {
        share > 0 && Double(chances.chance("\(what) \(sent)") % 10_000) < share * 10_000
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

/// What happens on a stage. Without queries: they may hold numbers.
package enum DoubleNews: Sendable, Equatable, CustomStringConvertible {
    case answered(method: String, path: String, status: Int)
    case sent(target: String, status: Int)
    case lost(target: String)
    case failed(target: String, reason: String)

    package var description: String {
        switch self {
        case .answered(let method, let path, let status): "\(method) \(path): \(status)"
        case .sent(let target, let status): "webhook \(target): \(status)"
        case .lost(let target): "webhook \(target): lost on purpose"
        case .failed(let target, let reason): "webhook \(target): \(reason)"
        }
    }
}
