/// What a decoder said of one raw record, sorted.
struct Reading {
    private(set) var events: [CallEvent] = []
    /// Late answers to commands.
    private(set) var reports: [CommandReport] = []
    /// News for the connection's keeper.
    private(set) var signals: [(name: String, fields: [CustomField])] = []
    /// The calls that its events belong to.
    private(set) var calls: [CallID] = []
    private(set) var state = DecodingState.ignored
    /// Why it was ignored or could not be read.
    private(set) var reason: String?

    /// One unreadable part makes the record `undecoded`; one readable part makes it `decoded`.
    init(_ decoded: [Decoded]) {
        for part in decoded {
            switch part {
            case .call(let event): events.append(event)
            case .command(let report):
                reports.append(report)
                note("answer to command: \(report.code)")
            case .signal(let name, let fields):
                signals.append((name, fields))
                note("signal \(name)")
            case .ignored(let reason): note(reason)
            case .undecoded(let reason):
                state = .undecoded
                self.reason = reason
            }
        }
        if state != .undecoded, !events.isEmpty {
            state = .decoded
            reason = nil
        }
    }

    /// Takes in what the ledger did with the events.
    mutating func note(_ applied: CallLedger.Application) {
        calls = applied.calls
        if let unreadable = applied.unreadable { return spoil(unreadable.description) }
        if applied.refused > 0 { spoil("the call has \(CallLedger.eventLimit) events already") }
    }

    /// Takes in that nothing could be done: what was read of the record before stays with `calls`.
    mutating func note(_ unreadable: UnreadableEvent, formerly calls: [CallID]) {
        self.calls = calls
        spoil(unreadable.description)
    }

    private mutating func spoil(_ reason: String) {
        state = .undecoded
        self.reason = reason
    }

    func row(at position: Int64) -> DecodingRow {
        DecodingRow(position: position, state: state, calls: calls, reason: reason)
    }

    private mutating func note(_ reason: String) {
        if state != .undecoded { self.reason = reason }
    }
}
