import Connector
import Media
import NetworkTypes
import PBXPlan

/// Waits in a queue with music, hears its place, and talks with the member who answers.
final class Queueing: CallActivity {
    unowned let call: PBXCall
    let queue: CallQueue
    private let leg: String
    private var attempt: RingAttempt?
    private var patience: TimerID?
    private var announcement: TimerID?
    private var isLeft = false
    /// Members that did not answer this caller, until all were tried.
    var tried: Set<RingTarget> = []
    private var place = 0

    init(_ call: PBXCall, _ queue: CallQueue) {
        self.call = call
        self.queue = queue
        leg = call.nextLegName()
    }

    func enter() {
        guard call.core.queues.admit(self) else { return goElsewhere(.queueTimeout) }
        call.core.accept(callerOf: call)
        place = call.core.queues.place(of: self)
        tell(.entered)
        patience = call.core.after(queue.longestWait) { [weak self] in self?.patienceEnds() }
        playMusic()
        announceLater()
        call.core.queues.serve(queue)
    }

    private func patienceEnds() {
        patience = nil
        goElsewhere(.queueTimeout)
    }

    private func goElsewhere(_ reason: EndReason) {
        leaveStation(reason)
        attempt?.stop(LegEnding(.noAnswer, cause: Cause(q850: 19)))
        call.script.lastFailure = LegEnding(reason)
        call.script.jump(otherwise: queue.otherwise)
        call.proceed()
    }

    // MARK: Being served

    var isBeingRung: Bool { attempt != nil }

    /// Rings members for this caller.
    func ring(_ members: [RingTarget]) {
        let candidates = members.flatMap { call.core.candidates(for: $0) }
        let attempt = RingAttempt(
            call, caller: call.caller, group: queue.name,
            waves: [RingAttempt.Wave(candidates: candidates, time: queue.ringTime)]
        ) { [weak self] in self?.concluded($0, members) }
        self.attempt = attempt
        attempt.begin()
    }

    private func concluded(_ outcome: RingAttempt.Outcome, _ members: [RingTarget]) {
        attempt = nil
        switch outcome {
        case .answered(let leg):
            guard let caller = call.caller else { return }
            leaveStation(.transferred)
            call.queueMember = members.first { call.core.rings($0, leg) }.map { (queue.name, $0) }
            call.begin(Talking(call, caller, leg))
        case .unanswered: call.core.queues.serveSoon(queue)
        }
    }

    // MARK: Waiting

    private var isAnnouncing = false
    private var hasNoMusic = false

    private func playMusic() {
        guard let caller = call.caller else { return }
        call.core.media.play(caller.stream, queue.music.map { call.core.music($0) } ?? .tone(.ringback))
    }

    private func announceLater() {
        guard let interval = queue.positionEvery else { return }
        announcement = call.core.after(interval) { [weak self] in self?.announce() }
    }

    private func announce() {
        announcement = nil
        guard let caller = call.caller else { return }
        let place = call.core.queues.place(of: self)
        isAnnouncing = true
        let prompt = (1...9).contains(place) ? "position-\(place)" : "position-many"
        call.core.media.play(caller.stream, .file(call.core.promptPath(prompt)))
    }

    /// After an announcement the music goes on. Music that ends by itself could not be played: a tone takes its place, once.
    func played(to leg: PBXLeg) {
        if isAnnouncing {
            isAnnouncing = false
            announceLater()
        } else {
            guard !hasNoMusic else { return }
            hasNoMusic = true
        }
        playMusic()
    }

    /// Somebody before left.
    func moved(to newPlace: Int) {
        guard newPlace != place else { return }
        place = newPlace
        tell(.position)
    }

    // MARK: End

    private func tell(_ phase: PBXRecord.StationMoment.Phase, _ reason: EndReason? = nil) {
        call.tell(
            .station(
                PBXRecord.StationMoment(
                    .queue, phase, name: queue.name, leg: leg, from: call.caller?.party, position: phase == .left ? nil : place,
                    reason: reason)))
    }

    private func leaveStation(_ reason: EndReason) {
        guard !isLeft else { return }
        isLeft = true
        if place > 0 { tell(.left, reason) }
        for timer in [patience, announcement] { if let timer { call.core.cancel(timer) } }
        call.core.queues.remove(self)
    }

    func leave() {
        leaveStation(.callerHungUp)
        attempt?.stop(LegEnding(.callerHungUp))
        if let caller = call.caller { call.core.media.stop(caller.stream) }
    }

    func gone(_ leg: PBXLeg, _ ending: LegEnding) { call.callerGone(ending) }
}
