import Connector
import Digests
import HTTPServer
import Network

/// One loop's share of the providers' entrance.
///
/// `@unchecked Sendable`: used on its loop's thread only. The one closure that travels to the journal's writer does nothing
/// there but hand the outcome back to `loop.execute`.
final class WebhookWorker: DirectWorker, @unchecked Sendable {
    /// An accepted request whose record is on its way to the disk.
    private struct Pending {
        let reply: ReplyToken
        let answer: PreparedResponse
        let counters: ConnectionCounters
        let since: MonotonicInstant
    }

    private enum Entrance {
        /// `client` is who called, through our proxies or without.
        case open(WebhookDesk, path: ByteView, client: IPAddress)
        case shut(PreparedResponse)
    }

    let routes: WebhookRoutes
    let loop: EventLoop
    let replies: ReplyDesk
    private var desks: [WebhookDesk] = []
    private var table = DeskTable()
    private var generation = -1
    var records: [RawRecord] = []
    /// So many of them are decisions whom to ring, for which nobody waits.
    var decisionCount = 0
    private var pending: [Pending] = []
    /// Those of the turn that ask whom to ring.
    var asked: [RoutingExchange] = []
    private var chance: FastRandom
    private var paths = KeptPaths()
    private var addresses = KeptAddresses()

    init(routes: WebhookRoutes, loop: EventLoop, replies: ReplyDesk) {
        self.routes = routes
        self.loop = loop
        self.replies = replies
        chance = FastRandom(seededBy: SystemRandomNumberGenerator())
    }

    // MARK: Requests

    func admit(_ head: borrowing RequestHead) -> Admission {
        switch enter(head) {
        case .shut(let refusal): return .refuse(.prepared(refusal))
        case .open(let desk, _, _):
            guard routes.journal.hasRoom else {
                desk.connection.counters.overloaded.add(1, ordering: .relaxed)
                return .refuse(.prepared(WebhookAnswers.overloaded))
            }
            return .accept(maxBody: WebhookRoutes.maximumBody)
        }
    }

    func handle(_ request: borrowing DirectRequest, _ reply: ReplyToken) -> DirectAnswer {
        switch enter(request.head) {
        case .shut(let refusal): return .respond(.prepared(refusal))
        case .open(let desk, let path, let client):
            let webhook = WebhookRequest(
                method: request.method.name, path: paths.text(for: path), query: request.query.string,
                headers: desk.headers(of: request.head), body: request.body.buffer)
            switch desk.authenticator.authenticate(webhook) {
            case .accept(let answer):
                accept(webhook, from: client, at: request.head.wallClockNanoseconds, desk.connection)
                if let ability = desk.routing, let question = desk.authenticator.routingQuestion(webhook) {
                    ask(question, ability, of: desk, neutral: answer, reply, since: request.now)
                    return .deferred
                }
                pending.append(
                    Pending(
                        reply: reply, answer: desk.prepared(answer), counters: desk.connection.counters, since: request.now))
                return .deferred
            case .handshake(let answer):
                desk.connection.counters.handshakes.add(1, ordering: .relaxed)
                return .respond(HTTPResponse(answer))
            case .refuse(let status, let reason):
                refuse(desk.connection, client, reason: reason)
                return .respond(.prepared(WebhookAnswers.refusal(status)))
            }
        }
    }

    private func accept(
        _ webhook: WebhookRequest, from client: IPAddress, at nanoseconds: Int64, _ connection: ProviderConnection
    ) {
        let now = Instant(milliseconds: nanoseconds / 1_000_000)
        records.append(
            RawRecord(
                id: makeRawID(now), connection: connection.id, receivedAt: now,
                peer: addresses.text(for: client), method: webhook.method, path: webhook.path, query: webhook.query,
                headers: webhook.headers, body: [UInt8](webhook.body)))
    }

    func makeRawID(_ now: Instant) -> RawID { RawID(time: now, rest: chance.next128()) }

    private func refuse(_ connection: ProviderConnection, _ client: IPAddress, reason: String) {
        let now = Instant(milliseconds: loop.wallClockNanoseconds / 1_000_000)
        connection.counters.countRefused(reason: reason, at: now)
        let count = routes.metrics.refusals.count(connection.id, peer: client, reason: reason, at: now)
        // Logged when first seen and at each power of ten: an attack fills no disk.
        guard count.isPowerOfTen else { return }
        routes.log.warning(
            "webhook.refused", LogField("connection", connection.id.name), LogField("peer", client.description),
            LogField("reason", reason), LogField("count", String(count)))
    }

    // MARK: The way in

    /// Finds the connection and checks what can be checked without the body.
    private func enter(_ head: borrowing RequestHead) -> Entrance {
        if generation != routes.connections.generation { takeConnections() }
        guard let desk = table[head.parameter(0)] else { return .shut(WebhookAnswers.notFound) }
        var path = head.parameter(1)
        if let token = desk.connection.urlToken {
            let end = path.firstIndex(of: UInt8(ascii: "/")) ?? path.count
            let isRight = token.withUnsafeBytes { ConstantTime.equal($0, path[0..<end].buffer) }
            guard isRight else { return .shut(WebhookAnswers.notFound) }
            path = path[min(end + 1, path.count)..<path.count]
        }
        let networks = desk.connection.settings.allowedNetworks
        let client = routes.proxies.client(of: head)
        guard networks.isEmpty || networks.contains(where: { $0.contains(client) }) else {
            refuse(desk.connection, client, reason: "address not allowed")
            return .shut(WebhookAnswers.refusal(403))
        }
        return .open(desk, path: path.isEmpty ? path : head.path.suffix(path.count + 1), client: client)
    }

    /// Takes the present connections; a desk whose connection stayed keeps its authenticator.
    private func takeConnections() {
        let set = routes.connections.current
        generation = set.generation
        let known = Dictionary(desks.map { ($0.connection.id, $0) }, uniquingKeysWith: { first, _ in first })
        desks = set.live.compactMap { connection in
            if let desk = known[connection.id], desk.connection === connection { return desk }
            return WebhookDesk(connection, asks: routes.routing != nil)
        }
        table = DeskTable(desks)
    }

    // MARK: The journal

    /// Hands the turn's records to the journal; at the end of each turn.
    func flush() {
        guard !records.isEmpty else { return }
        let batch = pending.handOver()
        let asked = asked.handOver()
        let decisions = decisionCount
        decisionCount = 0
        let isTaken = routes.journal.append(records.handOver()) { [self] outcome in
            loop.execute {
                self.settle(batch, outcome)
                if !asked.isEmpty { self.settle(asked, outcome) }
                if case .failed(let reason) = outcome { self.tell(reason, requests: batch.count + asked.count, decisions) }
            }
        }
        if !isTaken {
            refuseForWantOfRoom(batch)
            refuseForWantOfRoom(asked)
            countUnrecorded(decisions)
        }
    }

    private func tell(_ reason: String, requests: Int, _ decisions: Int) {
        routes.log.error("journal.failed", LogField("reason", reason), LogField("requests", String(requests)))
        countUnrecorded(decisions)
    }

    private func settle(_ batch: [Pending], _ outcome: AppendOutcome) {
        let now = Instant(milliseconds: loop.wallClockNanoseconds / 1_000_000)
        switch outcome {
        case .committed:
            for one in batch {
                one.counters.countAccepted(1, at: now)
                replies.respond(to: one.reply, with: .prepared(one.answer))
            }
            routes.metrics.acknowledgement.record(batch.lazy.map { self.loop.now.duration(since: $0.since) })
        case .failed:
            for one in batch {
                one.counters.countFailed(at: now)
                replies.respond(to: one.reply, with: .prepared(WebhookAnswers.failed))
            }
        }
    }

    private func refuseForWantOfRoom(_ batch: [Pending]) {
        for one in batch {
            one.counters.overloaded.add(1, ordering: .relaxed)
            replies.respond(to: one.reply, with: .prepared(WebhookAnswers.overloaded))
        }
    }
}

extension Array {
    /// All elements, which are then held by nobody else: who gets them can change them without a copy.
    fileprivate mutating func handOver() -> [Element] {
        var elements: [Element] = []
        elements.reserveCapacity(count)
        swap(&elements, &self)
        return elements
    }
}

extension ByteView {
    /// The last `count` bytes.
    fileprivate func suffix(_ count: Int) -> ByteView { self[max(0, self.count - count)..<self.count] }
}

extension Int {
    fileprivate var isPowerOfTen: Bool {
        var rest = self
        while rest >= 10, rest.isMultiple(of: 10) { rest /= 10 }
        return rest == 1
    }
}
