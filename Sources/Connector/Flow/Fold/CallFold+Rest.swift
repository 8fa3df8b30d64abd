// Route, recordings, and everything that is carried along.

extension RouteStep.Kind {
    fileprivate init(_ kind: RouteReport.Kind) {
        self =
            switch kind {
            case .user: .user
            case .group: .ringGroup
            case .external: .external
            case .ivr: .ivr
            case .queue: .queue
            case .schedule: .schedule
            case .announcement: .announcement
            case .voicemail: .voicemail
            case .provider: .provider
            case .rejection: .rejection
            }
    }
}

extension CallFold {
    /// The stations of an incoming call in the order in which it reached them.
    func listRoute() {
        guard call.direction != .outbound else { return }
        let presses = digest.presses.filter { !isPressedInTalk($0.report) }
        call.route = legs.indices.compactMap { step(of: $0, digits: presses.map(\.report)) }
        if !legs.contains(where: { if case .ivr = $0.to { true } else { false } }) { addMenus(presses) }
        for (moment, report) in digest.decisions { addDecision(report, at: moment) }
    }

    /// Keys that are pressed while people talk choose nothing of ours.
    private func isPressedInTalk(_ report: DigitsReport) -> Bool {
        guard report.menu == nil, let leg = legs.first(where: { $0.key == report.leg }) else { return false }
        return leg.to?.isSystem == false
    }

    /// Before whatever came after it.
    private func addDecision(_ report: RouteReport, at moment: Instant) {
        var step = RouteStep(
            at: moment, kind: RouteStep.Kind(report.kind), ref: report.ref,
            label: report.ref.flatMap { profile.employees[$0]?.name }, result: report.outcome)
        step.tookMilliseconds = report.tookMilliseconds
        call.route.insert(step, at: call.route.firstIndex { $0.at > moment } ?? call.route.endIndex)
    }

    /// Menus that show only in the keys pressed there.
    private func addMenus(_ presses: [(at: Instant, report: DigitsReport)]) {
        for press in presses {
            let digits = press.report.digits.isEmpty ? nil : press.report.digits
            if let known = call.route.firstIndex(where: { $0.kind == .ivr && $0.ref == press.report.menu }) {
                call.route[known].digits = [call.route[known].digits, digits].compactMap { $0 }.joined(separator: ",")
            } else {
                call.route.append(RouteStep(at: press.at, kind: .ivr, ref: press.report.menu, digits: digits))
            }
        }
        call.route.sort { $0.at < $1.at }
    }

    private func step(of leg: Int, digits: [DigitsReport]) -> RouteStep? {
        let timeline = legs[leg]
        guard let to = timeline.to, timeline.firstFrom?.isUser != true || call.direction == .internal, !isOtherEnd(leg) else {
            return nil
        }
        var step = RouteStep(at: timeline.startedAt, kind: .user)
        switch to {
        case .ivr(let ref):
            let pressed = digits.filter { $0.leg == nil || $0.leg == timeline.key }.map(\.digits)
            step.kind = .ivr
            step.ref = ref
            step.digits = pressed.isEmpty ? nil : pressed.joined(separator: ",")
        case .queue(let ref):
            step.kind = .queue
            step.ref = ref
        case .user(let name, _):
            step.ref = name
            step.label = profile.employees[name]?.name
            step.result = results[leg]?.rawValue
        case .voicemail(let ref):
            step.kind = .voicemail
            step.ref = ref
        case .external:
            step.kind = .external
            step.result = results[leg]?.rawValue
        }
        return step
    }

    /// A call between employees may be told from both ends: a leg each, and one station.
    private func isOtherEnd(_ leg: Int) -> Bool {
        guard let caller = legs[leg].firstFrom?.extension, let called = legs[leg].to?.extension else { return false }
        return legs[..<leg].contains { other in
            other.firstFrom?.extension == caller && other.to?.extension == called
                && (other.endedAt ?? .latest) > legs[leg].startedAt
        }
    }

    // MARK: Recordings

    func listRecordings() {
        guard !digest.recordings.isEmpty else { return }
        var keys: [String] = []
        for (_, report) in digest.recordings where !keys.contains(report.key) { keys.append(report.key) }
        call.recordings = keys.map(recording)
        if call.recordings.contains(where: { $0.status == .failed }) { call.completeness.missing.append(.recording) }
    }

    private func recording(_ key: String) -> Recording {
        let told = digest.recordings.filter { $0.report.key == key }
        func moment(_ phase: RecordingReport.Phase) -> Instant? { told.first { $0.report.phase == phase }?.at }
        let reports = told.map(\.report)
        var recording = Recording(
            id: RecordingID(of: call.id, kind: "recording", name: key),
            kind: reports.contains(where: \.isVoicemail) ? .voicemail : .call,
            status: .expected, providerRef: key)
        recording.startedAt = moment(.started)
        recording.consent = reports.lazy.compactMap(\.isAnnounced).first.map { $0 ? .announced : .none }
        recording.channels = reports.lazy.compactMap(\.channels).first
        recording.readyAt = moment(.ready)
        recording.legID = reports.lazy.compactMap(\.leg).first.map(legID)
        recording.lastError = reports.lazy.compactMap(\.problem).first
        if let from = recording.startedAt, let to = moment(.completed) ?? moment(.notRecorded), to >= from {
            recording.durationMilliseconds = to.milliseconds(since: from)
        }
        if let told = reports.lazy.compactMap(\.milliseconds).first { recording.durationMilliseconds = told }
        if recording.readyAt == nil {
            if reports.contains(where: { $0.phase == .notRecorded }) { recording.status = .notRecorded }
            if reports.contains(where: { $0.phase == .failed }) { recording.status = .failed }
        }
        if let kept = reports.filter({ $0.attempts != nil }).max(by: { $0.progress < $1.progress }) { recording.follow(kept) }
        return recording
    }

    // MARK: Carried along

    func collectRest() {
        call.externalIDs = digest.keys
        call.sources = digest.sources
        call.custom = digest.custom
        call.clock.timeZone = digest.timeZone
        call.clock.assumed = digest.timeZone != nil
        call.createdAt = min(call.createdAt, digest.firstReceived)
        call.updatedAt = digest.lastReceived
    }
}

extension RecordingReport {
    /// How far the gateway has come with it: what it tells is told in this order, whenever it arrives.
    fileprivate var progress: (Int, Int) {
        let step =
            switch phase {
            case .fetching: problem == nil ? 0 : 1
            case .failed: 2
            case .available: 3
            case .expired: 4
            case .started, .completed, .ready, .notRecorded: 0
            }
        return (attempts ?? 0, step)
    }
}

extension Recording {
    /// Takes over what the gateway's own report says.
    fileprivate mutating func follow(_ report: RecordingReport) {
        switch report.phase {
        case .fetching: status = .fetching
        case .available: status = .available
        case .failed: status = .failed
        case .expired: status = .expired
        case .started, .completed, .ready, .notRecorded: return
        }
        attempts = report.attempts ?? 0
        file = report.file
        lastError = report.problem
    }
}
