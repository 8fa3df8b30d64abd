import Connector

/// Runs the connection's PBX, and takes what it tells to the journal.
///
/// Before it begins, calls that a process before it left open are closed; a note tells how long that lived, to within `pulse`.
struct PBXKeeper: ConnectionKeeper {
    let control: any CallControl
    let plan: CallPlan

    /// Live calls go from the PBX of a file to that of the file's next version.
    let handsOver = true

    /// How often the note is renewed while there are calls.
    static let pulse = Duration.seconds(5)

    func run(_ context: KeepingContext) async throws(ProviderFailure) {
        context.report(Upkeep(.starting, "the PBX begins"))
        let sweep = CutCallSweep(control: control, connection: plan.connection, context, lived: await lastSign(context))
        await sweep.run()
        let outlet = PBXOutlet()
        let failure = await withTaskGroup(of: Void.self, returning: ProviderFailure?.self) { group in
            group.addTask { await outlet.drain(into: context) }
            group.addTask { await keepPulse(context) }
            group.addTask { await sweep.runAgain() }
            let failure = await runPBX(outlet, context)
            group.cancelAll()
            return failure
        }
        await outlet.drainRest(into: context)
        if let failure { throw failure }
    }

    private func runPBX(_ outlet: PBXOutlet, _ context: KeepingContext) async -> ProviderFailure? {
        do throws(ProviderFailure) {
            try await control.run(
                plan, profile: context.profile, hear: { outlet.put($0) },
                report: { context.report(Self.upkeep($0, lost: outlet.lost)) })
            return nil
        } catch {
            return error
        }
    }

    /// How the PBX says that it stands; records that were lost are no small thing.
    private static func upkeep(_ told: Upkeep, lost: Int) -> Upkeep {
        guard lost > 0 else { return told }
        var upkeep = told
        if upkeep.condition == .good { upkeep.condition = .impaired }
        upkeep.summary += "; \(lost) records found no room, since the journal was too slow: calls lack moments"
        return upkeep
    }

    // MARK: The sign of life

    /// The end of the span in which the process before this one died; `nil` without a note.
    private func lastSign(_ context: KeepingContext) async -> Instant? {
        let note = await context.notes.load().flatMap { try? JSONText($0) }
        return note?.root["alive_at"].string.flatMap { Instant(rfc3339: $0) }?.advanced(by: Self.pulse)
    }

    /// Renews the note while there are calls. One that cannot be written costs exactness after a crash, and is not told.
    private func keepPulse(_ context: KeepingContext) async {
        while await context.pause(Self.pulse) {
            guard !control.liveCalls(of: plan.connection).isEmpty else { continue }
            var json = JSONWriter()
            json.beginObject()
            json.field("alive_at", context.now)
            json.endObject()
            try? await context.notes.save(json.finish())
        }
    }
}

/// Closes the calls that the journal takes for open, and that no PBX has: the process that had them died.
struct CutCallSweep: Sendable {
    private let control: any CallControl
    private let connection: ConnectionID
    private let context: KeepingContext
    /// When the process before this one died, at the latest.
    private let lived: Instant
    /// Calls that began later are none of its.
    private let began: Instant

    init(control: any CallControl, connection: ConnectionID, _ context: KeepingContext, lived: Instant?) {
        self.control = control
        self.connection = connection
        self.context = context
        began = context.now
        self.lived = min(lived ?? began, began)
    }

    /// What the dead process wrote down last may not be read yet when the new one begins: it is looked again a little later.
    func runAgain() async {
        for pause: Duration in [.seconds(5), .seconds(60)] {
            guard await context.pause(pause) else { return }
            await run()
        }
    }

    func run() async {
        let live = control.liveCalls(of: connection)
        let cut = await context.openCalls().compactMap { target -> HeardRecord? in
            guard let name = target.keys.first(where: { $0.kind == .call })?.value, !live.contains(name),
                target.startedAt ?? .earliest < began
            else { return nil }
            return record(name, since: target.startedAt)
        }
        for start in stride(from: 0, to: cut.count, by: 256) {
            var pause = Duration.milliseconds(20)
            while !(await context.hear(Array(cut[start..<min(start + 256, cut.count)]))) {
                guard await context.pause(pause) else { return }
                pause = min(pause * 2, .seconds(1))
            }
        }
    }

    /// The same for the same call, however often: a repeat changes nothing. Received now: what the dead process told was received before.
    private func record(_ call: String, since start: Instant?) -> HeardRecord {
        let ending = PBXRecord.Ending(.failed, by: .system, cause: Cause(text: "the gateway ended in the call"))
        let record = PBXRecord(call: call, sequence: 0, at: max(lived, start ?? lived), .interrupted(ending))
        return HeardRecord(source: .sip, path: "/pbx", body: record.encoded())
    }
}
