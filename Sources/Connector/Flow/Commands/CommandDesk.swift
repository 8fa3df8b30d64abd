import Synchronization

/// Takes commands, hands each to its provider at most once, and follows it to its outcome.
///
/// A command is in the journal as `sent` before it leaves: after a crash it is `unknown` rather than sent again. What it led to is
/// found by the names that the provider gave or was given, else by number and time.
package final class CommandDesk: Sendable {
    struct State {
        /// Commands that are open, or whose call has not shown yet.
        var followed: [CommandID: Followed] = [:]
        /// Calls that were ordered in the last moments.
        var recent: [Order: (id: CommandID, at: Instant)] = [:]
        var isClosing = false
    }

    struct Followed {
        var command: Command
        let request: [UInt8]
        /// It is being sent, or waits to be.
        var isUnderWay: Bool
    }

    /// What makes two orders the same click.
    struct Order: Hashable {
        let connection: ConnectionID
        let from: String
        let to: String
    }

    /// From being asked for to the provider's answer.
    package static let deadline = Duration.seconds(30)
    /// Two orders of the same call within it are one click.
    static let doubleClick = Duration.seconds(3)
    /// How long the call that a command makes is looked for.
    static let linkWindow = Duration.seconds(120)
    static let capacity = 10_000

    let state = Mutex(State())
    let store: any CommandStore
    let reading: any JournalReading
    let numbering: any NumberingPlan
    let clock: any Timekeeper
    let providers: ProviderClients
    private let executor: (any TaskExecutor)?
    private let makeID: @Sendable (Instant) -> CommandID

    /// - Parameter executor: where commands are carried out; that of the client that sends them saves changes of thread.
    package init(
        store: any CommandStore, reading: any JournalReading, providers: ProviderClients, numbering: any NumberingPlan,
        clock: any Timekeeper, executor: (any TaskExecutor)? = nil, makeID: @escaping @Sendable (Instant) -> CommandID
    ) {
        self.store = store
        self.reading = reading
        self.providers = providers
        self.numbering = numbering
        self.clock = clock
        self.executor = executor
        self.makeID = makeID
    }

    /// How many commands are open or wait for their call.
    package var followedCount: Int { state.withLock { $0.followed.count } }

    // MARK: Accepting

    /// Journals a command and sends it on its way.
    ///
    /// Whether its key came before, the journal says when it is to take it (Decisions/041): a new command, which most are, is not
    /// looked for.
    /// - Returns: the command; where the same request came before with the same key, what became of it since.
    package func submit(_ request: CommandRequest) async throws(CommandRefusal) -> Command {
        let (command, leaves, client): (Command, Instant, any ProviderClient)
        do throws(CommandRefusal) {
            try request.action.check()
            (command, leaves, client) = try accept(request)
        } catch {
            // What is refused now may have been taken before.
            if let known = try await earlier(request) { return known }
            throw error
        }
        if case .failed(let reason) = await save(CommandRow(command, request: request.hash)) {
            forget(command)
            if let known = try await earlier(request) { return known }
            throw .busy(reason)
        }
        let order = ProviderOrder(id: command.id, action: command.action, target: request.target, deadline: Self.deadline)
        Task(executorPreference: executor) { [self] in await carryOut(command, order, at: leaves, client) }
        return command
    }

    /// The command that the key asked for before.
    private func earlier(_ request: CommandRequest) async throws(CommandRefusal) -> Command? {
        let row: CommandRow?
        do {
            row = try await reading.read { try $0.command(tenant: request.tenant, key: request.idempotencyKey) }
        } catch {
            throw .busy("the journal cannot be read")
        }
        guard let row else { return nil }
        guard row.request == request.hash, let command = Command(packed: row.body) else { throw .keyReused }
        return state.withLock { $0.followed[command.id]?.command } ?? command
    }

    /// Everything that can be decided without waiting.
    private func accept(
        _ request: CommandRequest
    ) throws(CommandRefusal) -> (command: Command, leaves: Instant, client: any ProviderClient) {
        let now = clock.now()
        var command = Command(
            id: makeID(now), tenant: request.tenant, connection: request.connection, action: request.action, call: request.call,
            idempotencyKey: request.idempotencyKey, requestedBy: request.requestedBy, createdAt: now,
            deadlineAt: now.advanced(by: Self.deadline))
        let result: Result<(Instant, any ProviderClient), CommandRefusal> = state.withLock { state in
            guard !state.isClosing else { return .failure(.busy("the gateway is ending")) }
            guard state.followed.count < Self.capacity else { return .failure(.busy("too many commands are under way")) }
            guard let provider = providers[request.connection], let client = provider.client else {
                return .failure(.noProvider)
            }
            guard provider.capabilities.contains(request.action.capability) else {
                return .failure(.unsupported(request.action.capability))
            }
            if let twin = Self.twin(of: command, in: &state, at: now) { return .failure(.duplicate(of: twin)) }
            switch provider.pace.take(deadline: command.deadlineAt) {
            case .closed(let until): return .failure(.providerDown(retryAfter: now.duration(to: until)))
            case .at(let moment) where moment > command.deadlineAt:
                return .failure(.limited(retryAfter: command.deadlineAt.duration(to: moment)))
            case .at(let moment):
                Self.note(command, in: &state, request.hash, now)
                return .success((moment, client))
            case .now:
                command.status = .sent
                Self.note(command, in: &state, request.hash, now)
                return .success((now, client))
            }
        }
        let (leaves, client) = try result.get()
        return (command, leaves, client)
    }

    private static func note(_ command: Command, in state: inout State, _ request: [UInt8], _ now: Instant) {
        state.followed[command.id] = Followed(command: command, request: request, isUnderWay: true)
        if let order = Order(command) { state.recent[order] = (command.id, now) }
    }

    /// The same call, ordered a moment ago.
    private static func twin(of command: Command, in state: inout State, at now: Instant) -> CommandID? {
        guard let order = Order(command) else { return nil }
        if state.recent.count > 1000 { state.recent = state.recent.filter { $0.value.at.advanced(by: doubleClick) > now } }
        guard let known = state.recent[order], known.at.advanced(by: doubleClick) > now else { return nil }
        return known.id
    }

    private func forget(_ command: Command) {
        state.withLock { state in
            state.followed[command.id] = nil
            if let order = Order(command), state.recent[order]?.id == command.id { state.recent[order] = nil }
        }
        providers[command.connection]?.pace.giveBack()
    }

    // MARK: Carrying out

    private func carryOut(
        _ command: Command, _ order: ProviderOrder, at leaves: Instant, _ client: any ProviderClient
    ) async {
        if command.status == .accepted {
            guard await waitForTurn(command, leaves) else { return }
        }
        do throws(ProviderFailure) {
            let answer = try await client.perform(order)
            conclude(command.id) { command in
                command.answer = answer
                if !answer.isPreliminary { command.status = .confirmed }
            }
        } catch {
            conclude(command.id) { command in
                command.failure = error
                command.status = Self.status(after: error)
            }
        }
    }

    /// As `settle`; nobody waits for the journal.
    func conclude(_ id: CommandID, _ change: (inout Command) -> Void) {
        if let row = settled(id, change) { _ = store.save([row]) { _ in } }
    }

    /// - Returns: whether it may leave now, and says so in the journal.
    private func waitForTurn(_ command: Command, _ leaves: Instant) async -> Bool {
        do {
            try await Task.sleep(for: clock.now().duration(to: leaves))
        } catch {
            return false
        }
        let now = clock.now()
        let isClosing = state.withLock { $0.isClosing }
        guard !isClosing, now <= command.deadlineAt else {
            await settle(command.id) { $0.status = .expired }
            return false
        }
        let sent = state.withLock { state -> CommandRow? in
            guard var followed = state.followed[command.id] else { return nil }
            followed.command.status = .sent
            followed.command.updatedAt = now
            state.followed[command.id] = followed
            return CommandRow(followed.command, request: followed.request)
        }
        guard let sent else { return false }
        guard case .failed(let reason) = await save(sent) else { return true }
        await settle(command.id) { command in
            command.status = .failed
            command.failure = ProviderFailure(.unavailable, code: "journal", text: reason)
        }
        return false
    }

    private static func status(after failure: ProviderFailure) -> Command.Status {
        switch failure.kind {
        case .unknown: .unknown
        case .unsupported: .unsupported
        case .rejected, .invalid, .unauthorized, .limited, .unavailable: .failed
        }
    }

    /// Notes an outcome, in memory and in the journal.
    func settle(_ id: CommandID, _ change: (inout Command) -> Void) async {
        if let row = settled(id, change) { _ = await save(row) }
    }

    /// Notes an outcome in memory.
    /// - Returns: what the journal is to keep of it. Where that does not take it, the command is found as `sent` after a restart, and
    ///   becomes `unknown`.
    private func settled(_ id: CommandID, _ change: (inout Command) -> Void) -> CommandRow? {
        let now = clock.now()
        let settled = state.withLock { state -> Followed? in
            guard var followed = state.followed[id] else { return nil }
            change(&followed.command)
            followed.command.updatedAt = now
            followed.isUnderWay = false
            state.followed[id] = followed.command.isOpen(at: now) ? followed : nil
            return followed
        }
        guard let settled else { return nil }
        providers[settled.command.connection]?.pace.judge(settled.command.failure)
        return Self.row(settled, at: now)
    }

    /// One whose call is awaited is found again after a restart.
    private static func row(_ followed: Followed, at now: Instant) -> CommandRow {
        CommandRow(followed.command, request: followed.request, isOpen: followed.command.isOpen(at: now))
    }

    /// Writes down how a command stands.
    func save(_ followed: Followed, at now: Instant) async { _ = await save(Self.row(followed, at: now)) }

    func save(_ row: CommandRow) async -> AppendOutcome {
        await withCheckedContinuation { continuation in
            let isTaken = store.save([row]) { continuation.resume(returning: $0) }
            if !isTaken { continuation.resume(returning: .failed(reason: "the journal is busy")) }
        }
    }

    // MARK: Asking

    /// A command of `tenant` as it stands now.
    package func command(_ id: CommandID, of tenant: TenantID) async throws -> Command? {
        if let command = state.withLock({ $0.followed[id]?.command }) { return command.tenant == tenant ? command : nil }
        let row = try await reading.read { try $0.command(id) }
        return row.flatMap { $0.tenant == tenant ? Command(packed: $0.body) : nil }
    }

    /// Until when nothing is sent to a provider that failed again and again; `nil` where commands may go.
    package func closedUntil(_ connection: ConnectionID) -> Instant? {
        providers[connection]?.pace.closedUntil
    }

    /// Refuses new commands. Those under way go on; what they lead to is found after the restart.
    package func close() { state.withLock { $0.isClosing = true } }
}

extension CommandDesk.Order {
    init?(_ command: Command) {
        guard case .originate(let wanted) = command.action else { return nil }
        self.init(connection: command.connection, from: wanted.from, to: wanted.to)
    }
}

extension Command {
    /// Something is still expected: an answer, or the call that it made.
    func isOpen(at now: Instant) -> Bool { !status.isFinal || isWaitingForCall(at: now) }

    /// It made a call, or may have, and no event of that call has come yet.
    func isWaitingForCall(at now: Instant) -> Bool {
        guard case .originate = action, resultCall == nil, now < createdAt.advanced(by: CommandDesk.linkWindow) else {
            return false
        }
        return status == .sent || status == .confirmed || status == .unknown
    }
}
