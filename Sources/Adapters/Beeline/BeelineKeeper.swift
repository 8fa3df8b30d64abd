import Connector

/// Keeps a connection's subscriptions alive, as `BeelineBook` says.
///
/// When it ends it leaves them: Beeline then goes on telling, and what it cannot tell while the gateway restarts is its own to repeat. They
/// run out by themselves.
struct BeelineKeeper: ConnectionKeeper {
    let client: BeelineClient
    let plan: BeelinePlan

    func run(_ context: KeepingContext) async throws(ProviderFailure) {
        guard let address = context.address else {
            return context.report(
                Upkeep(
                    .impaired, "Beeline is not told where to send events: the gateway does not know its own address",
                    remedy: "set `public_url` in kommutator.yaml, or keep a subscription by hand"))
        }
        let notes = await context.notes.load().flatMap(BeelineNotes.init)
        var book = BeelineBook(plan, address: address, notes: notes, at: context.now)
        var kept = notes
        var keptAt = context.now
        var problem: String?
        while true {
            let step = book.step(at: context.now)
            // Also at the end: what was granted in the last moment is ours after a restart.
            let isPressing = step.isWait || Task.isCancelled || keptAt.advanced(by: Self.notesPace) <= context.now
            if isPressing, book.notes != kept {
                problem = await keep(book.notes, &kept, context)
                keptAt = context.now
            }
            if Task.isCancelled { return }
            var upkeep = book.upkeep(at: context.now)
            if let problem { upkeep.summary += "; their names cannot be kept: \(problem)" }
            context.report(upkeep)
            await take(step, &book, context)
        }
    }

    /// While hundreds of subscriptions are granted, one after the other, their names are written down so often: each time all of them.
    private static let notesPace = Duration.seconds(2)

    /// - Returns: why the notes cannot be kept; nil where they are.
    private func keep(_ notes: BeelineNotes, _ kept: inout BeelineNotes?, _ context: KeepingContext) async -> String? {
        do {
            try await context.notes.save(notes.encoded)
            kept = notes
            return nil
        } catch {
            return "\(error)"
        }
    }

    /// Does one thing; what is broken off has not failed, and is not noted.
    private func take(_ step: BeelineBook.Step, _ book: inout BeelineBook, _ context: KeepingContext) async {
        switch step {
        case .wait(let moment):
            if case .signal(let signal) = await context.wait(until: moment) { book.hear(signal, at: context.now) }
        case .list:
            let result = await Self.result { () throws(ProviderFailure) in try await client.employees() }
            switch result {
            case .success(let employees): book.listed(employees, at: context.now)
            case .failure(let failure): if !Task.isCancelled { book.listFailed(failure, at: context.now) }
            }
        case .check(let id):
            let result = await Self.result { () throws(ProviderFailure) in try await client.subscription(id) }
            if !Task.isCancelled { book.checked(id, result, at: context.now) }
        case .subscribe(let subject):
            let address = book.address(for: subject)
            let result = await Self.result { () throws(ProviderFailure) in
                try await client.subscribe(to: subject.pattern, address: address)
            }
            switch result {
            case .success(let grant): book.granted(grant, to: subject, at: context.now)
            case .failure(let failure): if !Task.isCancelled { book.failed(failure, of: subject, at: context.now) }
            }
        case .end(let id):
            let result = await Self.result { () throws(ProviderFailure) in try await client.unsubscribe(id) }
            guard !Task.isCancelled else { return }
            switch result {
            case .success: book.ended(id, nil, at: context.now)
            case .failure(let failure): book.ended(id, failure, at: context.now)
            }
        }
    }

    private static func result<Value>(
        _ body: () async throws(ProviderFailure) -> Value
    ) async -> Result<Value, ProviderFailure> {
        do throws(ProviderFailure) { return .success(try await body()) } catch { return .failure(error) }
    }
}

extension BeelineBook.Step {
    fileprivate var isWait: Bool {
        if case .wait = self { true } else { false }
    }
}
