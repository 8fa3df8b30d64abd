// What became of a command: late answers, the call it made, what a restart left open.

extension CommandDesk {
    /// Takes up what was open when the gateway last ended. What had not left is failed; what may have left is unknown; calls that
    /// are awaited are looked for again.
    /// - Throws: what the journal's reader throws.
    package func recover() async throws {
        let rows = try await reading.read { try $0.openCommands() }
        let now = clock.now()
        for row in rows {
            guard var command = Command(packed: row.body) else { continue }
            switch command.status {
            case .accepted:
                command.status = .failed
                command.failure = ProviderFailure(
                    .unavailable, code: "not-sent", text: "the gateway ended before it was sent; ask again with a fresh key")
                command.updatedAt = now
            case .sent:
                command.status = .unknown
                command.failure = ProviderFailure(
                    .unknown, code: "gateway-ended", text: "the gateway ended before the provider's answer was kept")
                command.updatedAt = now
            case .confirmed, .failed, .expired, .unsupported, .unknown: break
            }
            let followed = Followed(command: command, request: row.request, isUnderWay: false)
            if command.isOpen(at: now) { state.withLock { $0.followed[command.id] = followed } }
            await save(followed, at: now)
        }
    }

    /// A provider's late answer, read from a webhook. What is no command of ours, or is settled, changes nothing. Does not wait.
    package func note(_ report: CommandReport) {
        guard let id = CommandID(report.key) else { return }
        let isOpen = state.withLock { $0.followed[id].map { !$0.command.status.isFinal } ?? false }
        guard isOpen else { return }
        conclude(id) { command in
            command.status = report.succeeded ? .confirmed : .failed
            if report.succeeded {
                command.answer = ProviderAnswer(call: command.answer?.call, code: report.code)
            } else {
                command.failure = ProviderFailure(.rejected, code: report.code, text: "the provider reported a failure")
            }
        }
    }

    /// Looks for the calls that commands made, and gives up what has had its time. Called every moment while the gateway runs.
    package func follow() async {
        let now = clock.now()
        let (waiting, overdue) = state.withLock { state in
            let idle = state.followed.values.filter { !$0.isUnderWay }.map(\.command)
            return (
                idle.filter { $0.isWaitingForCall(at: now) }.sorted { $0.id < $1.id },
                idle.filter { !$0.isWaitingForCall(at: now) }
            )
        }
        for command in overdue { await giveUp(command, at: now) }
        for command in waiting {
            if let call = await call(madeBy: command) { await settle(command.id) { Self.link(&$0, to: call) } }
        }
        for command in waiting where command.status == .sent && command.deadlineAt < now { await giveUp(command, at: now) }
    }

    /// An event of the call is the best answer there is.
    private static func link(_ command: inout Command, to call: CallID) {
        command.resultCall = call
        if command.status == .sent || command.status == .unknown {
            command.status = .confirmed
            command.failure = nil
        }
    }

    private func giveUp(_ command: Command, at now: Instant) async {
        if command.status == .sent {
            guard command.deadlineAt < now else { return }
            await settle(command.id) { command in
                command.status = .unknown
                command.failure = ProviderFailure(
                    .unknown, code: "no-answer", text: "the provider took it and did not say what became of it")
            }
        } else if command.status.isFinal, let followed = state.withLock({ $0.followed.removeValue(forKey: command.id) }) {
            await save(followed, at: now)
        }
    }

    // MARK: The call it made

    private func call(madeBy command: Command) async -> CallID? {
        var keys = [ExternalKey(.crmCommand, command.id.description)]
        if let key = command.answer?.call { keys.append(key) }
        let names = keys
        let fallback = command.answer?.call == nil ? query(for: command) : nil
        let claimed = state.withLock { Set($0.followed.values.compactMap(\.command.resultCall)) }
        let connection = command.connection
        do {
            return try await reading.read { reader in
                for key in names {
                    if let call = try reader.call(of: key, in: connection) { return call }
                }
                guard let fallback else { return nil }
                return try reader.calls(fallback).last { !claimed.contains($0.id) }?.id
            }
        } catch {
            // Asked again in a moment; the journal's trouble is told by whoever keeps it.
            return nil
        }
    }

    /// An outgoing call to that number which began when the command was given: what a provider that names no call leaves us.
    private func query(for command: Command) -> CallQuery? {
        guard case .originate(let wanted) = command.action else { return nil }
        let country = providers[command.connection]?.profile.defaultCountry ?? "RU"
        let number = numbering.number(wanted.to, defaultCountry: country)
        var query = CallQuery(tenant: command.tenant, limit: 5)
        query.connection = command.connection
        query.number = number.e164 ?? number.raw
        query.direction = .outbound
        query.startedFrom = command.createdAt.advanced(by: .seconds(-2))
        query.startedTo = command.createdAt.advanced(by: Self.linkWindow)
        return query
    }
}
