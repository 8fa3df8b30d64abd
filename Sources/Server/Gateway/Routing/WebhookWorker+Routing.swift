import Connector
import HTTPServer
import Network

/// How the entrance asks whom to ring. Only requests that ask come here; all others pay nothing for it.
extension WebhookWorker {
    /// Takes a question of a request whose record is on its way to the disk.
    func ask(
        _ question: RoutingQuestion, _ ability: RoutingAbility, of desk: WebhookDesk, neutral: WebhookResponse,
        _ reply: ReplyToken, since: MonotonicInstant
    ) {
        let exchange = RoutingExchange(
            question, ability, desk.connection, reply: reply, since: since, neutral: desk.prepared(neutral))
        asked.append(exchange)
        guard ability.manner == .answer, let plan = routes.routing?.plan else { return }
        let decision = plan.decide(question, for: desk.connection.profile, ability) { [self] decision in
            loop.execute { self.take(decision, for: exchange) }
        }
        if let decision { return take(decision, for: exchange) }
        exchange.deadline = loop.schedule(after: ability.deadline) { [self] in take(RingPlan.expired(ability), for: exchange) }
    }

    /// The first decision counts; what comes after the deadline serves the next call.
    private func take(_ decision: RoutingDecision, for exchange: RoutingExchange) {
        guard !exchange.isOver, exchange.decision == nil else { return }
        var decision = decision
        decision.took = loop.now.duration(since: exchange.since)
        exchange.decision = decision
        if let deadline = exchange.deadline.take() { loop.cancel(deadline) }
        record(decision, of: exchange)
        answerIfReady(exchange)
    }

    private func record(_ decision: RoutingDecision, of exchange: RoutingExchange) {
        routes.routing?.plan.note(decision.result)
        let now = Instant(milliseconds: loop.wallClockNanoseconds / 1_000_000)
        records.append(
            SystemRecord.routing(decision, of: exchange.question, in: exchange.connection.id, id: makeRawID(now), at: now))
        decisionCount += 1
    }

    /// The providers have their answers; the calls' records lack the decisions.
    func countUnrecorded(_ decisions: Int) {
        if decisions > 0 { routes.routing?.plan.noteUnrecorded(decisions) }
    }

    private func answerIfReady(_ exchange: RoutingExchange) {
        guard exchange.isCommitted, let decision = exchange.decision, !exchange.isOver else { return }
        var response = HTTPResponse.prepared(exchange.neutral)
        if decision.result.isWord, let adapter = exchange.connection.adapter {
            response = HTTPResponse(adapter.acknowledge(exchange.question, decision))
        }
        routes.metrics.routing.record(CollectionOfOne(loop.now.duration(since: exchange.since)))
        finish(exchange, with: response)
    }

    private func finish(_ exchange: RoutingExchange, with response: HTTPResponse) {
        exchange.isOver = true
        if let deadline = exchange.deadline.take() { loop.cancel(deadline) }
        replies.respond(to: exchange.reply, with: response)
    }

    // MARK: After the commit

    func settle(_ asked: [RoutingExchange], _ outcome: AppendOutcome) {
        let now = Instant(milliseconds: loop.wallClockNanoseconds / 1_000_000)
        for exchange in asked {
            let counters = exchange.connection.counters
            guard case .committed = outcome else {
                counters.countFailed(at: now)
                finish(exchange, with: .prepared(WebhookAnswers.failed))
                continue
            }
            counters.countAccepted(1, at: now)
            exchange.isCommitted = true
            goOn(exchange)
        }
    }

    /// Who does not wait for the decision is answered now, and it follows.
    private func goOn(_ exchange: RoutingExchange) {
        guard exchange.ability.manner != .answer || routes.routing == nil else { return answerIfReady(exchange) }
        routes.metrics.acknowledgement.record(CollectionOfOne(loop.now.duration(since: exchange.since)))
        finish(exchange, with: .prepared(exchange.neutral))
        routes.routing?.dispatch.begin(exchange.question, for: exchange.connection.profile, exchange.ability)
    }

    func refuseForWantOfRoom(_ asked: [RoutingExchange]) {
        for exchange in asked {
            exchange.connection.counters.overloaded.add(1, ordering: .relaxed)
            finish(exchange, with: .prepared(WebhookAnswers.overloaded))
        }
    }
}
