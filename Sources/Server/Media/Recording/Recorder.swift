import Network

/// The thread that writes recordings. It alone waits for the disk.
///
/// `@unchecked Sendable`: everything but `loop`, `tell` and `limit` is touched on the recorder's own loop only.
final class Recorder: @unchecked Sendable {
    private static let pause = Duration.milliseconds(200)

    private let loop: EventLoop
    private let tell: @Sendable (MediaEvent) -> Void
    private let limit: Int
    private var recordings: [RecordingID: Recording] = [:]
    private var isTicking = false

    init(limit: Int, tell: @escaping @Sendable (MediaEvent) -> Void) throws(MediaError) {
        self.limit = limit
        self.tell = tell
        do {
            loop = try EventLoop(name: "media-recorder")
            try loop.start()
        } catch {
            throw MediaError(.threads, "the thread that writes recordings: \(error)")
        }
    }

    // MARK: From any thread

    func begin(_ id: RecordingID, path: String, at moment: MonotonicInstant) {
        loop.execute { self.open(id, path, moment) }
    }

    func add(_ lane: RecordingLane, _ side: RecordingMix.Side, to id: RecordingID) {
        loop.execute { self.recordings[id]?.add(lane, side) }
    }

    func finish(_ id: RecordingID, at end: MonotonicInstant) {
        loop.execute { self.recordings.removeValue(forKey: id).map { self.finish($0, at: end) } }
    }

    func stop() { loop.stop() }

    // MARK: On the recorder's thread

    private func open(_ id: RecordingID, _ path: String, _ moment: MonotonicInstant) {
        do throws(MediaError) {
            guard recordings[id] == nil else { throw MediaError(.file, "recording \(id): is being written already") }
            guard recordings.count < limit else {
                throw MediaError(.full, "recording \(id): \(limit) are being written", hint: "raise the limit of recordings")
            }
            recordings[id] = Recording(id, into: try WAVWriter(path: path), begin: moment)
            keepTicking()
        } catch {
            tell(.recordingFailed(id, error))
        }
    }

    private func keepTicking() {
        guard !isTicking, !recordings.isEmpty else { return }
        isTicking = true
        loop.schedule(after: Self.pause) { [unowned self] in tick() }
    }

    private func tick() {
        isTicking = false
        // The moment is read before the lanes are looked at: what is older has been pushed.
        let now = MonotonicInstant.now
        for recording in Array(recordings.values) {
            do throws(MediaError) {
                try recording.drain(now: now)
            } catch {
                fail(recording, error)
            }
        }
        keepTicking()
    }

    private func finish(_ recording: Recording, at end: MonotonicInstant) {
        do throws(MediaError) {
            try recording.finish(at: end)
            recording.close()
            tell(
                .recorded(
                    recording.id, byteCount: recording.byteCount, milliseconds: recording.milliseconds, lost: recording.lost))
        } catch {
            fail(recording, error)
        }
    }

    private func fail(_ recording: Recording, _ error: MediaError) {
        recordings[recording.id] = nil
        recording.close()
        tell(.recordingFailed(recording.id, error))
    }
}
