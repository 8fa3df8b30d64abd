import Network

/// The thread that writes recordings. It alone waits for the disk.
///
/// `@unchecked Sendable`: everything but `loop`, `inbox`, `numbers`, `tell` and `limit` is touched on the recorder's own loop only.
final class Recorder: @unchecked Sendable {
    private static let pause = Duration.milliseconds(100)
    /// How long an end waits for loops that have not let go of their lanes.
    private static let lastPatience = Duration.seconds(1)

    /// Where the sound of a lane goes.
    private struct Goal {
        /// Counting its references would cost as much as what is done with a packet. `recordings` has it until `forget` removes its goals.
        unowned(unsafe) let recording: Recording
        let side: RecordingMix.Side
    }

    private let loop: EventLoop
    private let inbox: RecorderInbox
    private let numbers = LaneNumbers()
    private let tell: @Sendable (MediaEvent) -> Void
    private let limit: Int
    private var recordings: [RecordingID: Recording] = [:]
    /// Where a lane's sound goes, by its number.
    private var goals: [Goal?] = []
    /// Which lane that is: a number goes from one to the next.
    private var lanes: [RecordingLane?] = []
    /// What is about to be written, of one recording at a time.
    private var scratch: [UInt8] = []
    private var isTicking = false

    /// - Parameters:
    ///   - limit: how many recordings there may be at once.
    ///   - batchLimit: how many batches of 64 kB may wait.
    init(limit: Int, batchLimit: Int, tell: @escaping @Sendable (MediaEvent) -> Void) throws(MediaError) {
        self.limit = limit
        self.tell = tell
        inbox = RecorderInbox(limit: batchLimit)
        do {
            loop = try EventLoop(name: "media-recorder")
            try loop.start()
        } catch {
            throw MediaError(.threads, "the thread that writes recordings: \(error)")
        }
    }

    // MARK: From any thread

    /// The way of a loop's sound to here; for that loop alone.
    func courier(of loop: EventLoop) -> RecordingCourier {
        RecordingCourier(loop, inbox) { [self] in wake() }
    }

    func begin(_ id: RecordingID, path: String, at moment: MonotonicInstant) { send(.begin(id, path: path, at: moment)) }

    /// A new way for the sound of a side.
    func lane(_ side: RecordingMix.Side, of id: RecordingID) -> RecordingLane {
        let lane = RecordingLane(number: numbers.take())
        inbox.put(.add(lane, side, to: id))
        return lane
    }

    func finish(_ id: RecordingID, at end: MonotonicInstant) { send(.finish(id, at: end)) }

    func stop() { loop.stop() }

    private func send(_ mail: RecorderInbox.Mail) {
        inbox.put(mail)
        wake()
    }

    private func wake() { loop.execute { self.readMail() } }

    // MARK: On the recorder's thread

    private func readMail() {
        for mail in inbox.takeAll() { read(mail) }
        for recording in recordings.values where recording.end != nil && !recording.isOpen { finish(recording) }
        keepTicking()
    }

    private func read(_ mail: RecorderInbox.Mail) {
        switch mail {
        case .begin(let id, let path, let moment): open(id, path, moment)
        case .add(let lane, let side, let id): add(lane, side, id)
        case .sound(let batch): take(batch)
        case .foreign(let lane): goal(lane)?.recording.markForeign()
        case .sealed(let lane): seal(lane)
        case .finish(let id, let end): recordings[id]?.end(at: end)
        }
    }

    private func open(_ id: RecordingID, _ path: String, _ moment: MonotonicInstant) {
        do throws(MediaError) {
            guard recordings[id] == nil else { throw MediaError(.file, "recording \(id): is being written already") }
            guard recordings.count < limit else {
                throw MediaError(.full, "recording \(id): \(limit) are being written", hint: "raise the limit of recordings")
            }
            recordings[id] = Recording(id, into: try WAVWriter(path: path), begin: moment)
        } catch {
            tell(.recordingFailed(id, error))
        }
    }

    private func add(_ lane: RecordingLane, _ side: RecordingMix.Side, _ id: RecordingID) {
        guard let recording = recordings[id] else { return }
        while goals.count <= Int(lane.number) {
            goals.append(nil)
            lanes.append(nil)
        }
        goals[Int(lane.number)] = Goal(recording: recording, side: side)
        lanes[Int(lane.number)] = lane
        recording.add(lane)
    }

    private func goal(_ lane: RecordingLane) -> Goal? {
        guard Int(lane.number) < goals.count, lanes[Int(lane.number)] === lane else { return nil }
        return goals[Int(lane.number)]
    }

    private func removeGoal(_ lane: RecordingLane) {
        guard goal(lane) != nil else { return }
        goals[Int(lane.number)] = nil
        lanes[Int(lane.number)] = nil
    }

    private func seal(_ lane: RecordingLane) {
        goal(lane)?.recording.seal(lane)
        removeGoal(lane)
        numbers.giveBack(lane.number)
    }

    private func take(_ batch: RecordingBatch) {
        batch.forEach { number, note, codes in
            guard Int(number) < goals.count, let goal = goals[Int(number)] else { return }
            goal.recording.take(goal.side, note, codes, &scratch)
        }
        inbox.giveBack(batch)
    }

    private func keepTicking() {
        guard !isTicking, !recordings.isEmpty else { return }
        isTicking = true
        loop.schedule(after: Self.pause) { [unowned self] in tick() }
    }

    private func tick() {
        isTicking = false
        // The moment is read before the mail is: what is older than a courier waits has come.
        let now = MonotonicInstant.now
        readMail()
        for recording in Array(recordings.values) {
            do throws(MediaError) {
                try recording.drain(now: now, &scratch)
                if let end = recording.end, now >= end.advanced(by: Self.lastPatience) { finish(recording) }
            } catch {
                fail(recording, error)
            }
        }
        keepTicking()
    }

    private func finish(_ recording: Recording) {
        guard recordings[recording.id] === recording, let end = recording.end else { return }
        do throws(MediaError) {
            try recording.finish(at: end, &scratch)
            forget(recording)
            tell(
                .recorded(
                    recording.id, byteCount: recording.byteCount, milliseconds: recording.milliseconds, lost: recording.lost))
        } catch {
            fail(recording, error)
        }
    }

    private func fail(_ recording: Recording, _ error: MediaError) {
        forget(recording)
        tell(.recordingFailed(recording.id, error))
    }

    /// What still comes for it goes nowhere.
    private func forget(_ recording: Recording) {
        recordings[recording.id] = nil
        for lane in recording.lanes { removeGoal(lane) }
        recording.close()
    }
}
