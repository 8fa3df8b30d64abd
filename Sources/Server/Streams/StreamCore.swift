import Connector
import Network
import Synchronization

/// A stream: its state behind one lock, which tasks and loop share.
///
/// Reading and writing are tried where they are asked for, and only who must wait is left to the loop. The socket is watched once at
/// a time. While a stream is busy the loop does not watch it but looks now and then, and reads ahead what no task has taken: that
/// bounds both how often it wakes and how long the other side waits for a task that is slow.
final class StreamCore: Sendable {
    /// How long after a read the loop looks whether more has come that nobody took.
    private static let readAheadPause = Duration.milliseconds(10)

    private let place: String
    private let engine: StreamEngine
    private let state: Mutex<StreamState>

    /// Takes over the descriptor and the TLS session.
    init(
        _ descriptor: Int32, _ tls: TLSStream?, place: String, _ configuration: SystemStreamsConfiguration, _ engine: StreamEngine
    ) {
        self.place = place
        self.engine = engine
        state = Mutex(StreamState(descriptor, tls, place: place, configuration, engine))
    }

    // MARK: For tasks

    func read(within patience: Duration) async throws(StreamFailure) -> [UInt8] {
        let (ready, ticket) = state.withLock { ($0.take(), $0.takeTicket()) }
        if let ready { return try ready.get() }
        let deadline = MonotonicInstant.now.advanced(by: patience)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waitToRead(StreamWait(ticket: ticket, deadline: deadline, continuation: continuation))
            }
        } onCancel: {
            cancelReading(ticket)
        }
        return try answer.get()
    }

    func write(_ bytes: [UInt8], within patience: Duration) async throws(StreamFailure) {
        let (ready, sent, ticket) = state.withLock { state in
            var sent = 0
            let answer = state.writer == nil ? state.send(bytes, from: &sent) : .failure(state.failure(.ended, "two tasks write"))
            return (answer, sent, state.takeTicket())
        }
        if let ready {
            _ = try ready.get()
            return
        }
        let deadline = MonotonicInstant.now.advanced(by: patience)
        let answer = await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                waitToWrite(
                    StreamWait(ticket: ticket, deadline: deadline, continuation: continuation, bytes: bytes, sent: sent))
            }
        } onCancel: {
            cancelWriting(ticket)
        }
        _ = try answer.get()
    }

    func close() {
        let (slot, waits) = state.withLock { state in
            (state.close(), [state.reader.take(), state.writer.take()])
        }
        guard let slot else { return }
        engine.drop(self, slot: slot)
        answer(waits, .failure(StreamFailure(.ended, at: place, "closed")))
    }

    // MARK: Waiting

    private func waitToRead(_ wait: StreamWait) {
        let early: StreamWait.Answer? = state.withLock { state in
            if state.cancelledReading >= wait.ticket { return .failure(state.failure(.cancelled, "cancelled")) }
            if let answer = state.take() { return answer }
            guard state.reader == nil else { return .failure(state.failure(.ended, "two tasks read")) }
            state.reader = wait
            state.arm()
            askForAlarm(&state, at: wait.deadline)
            return nil
        }
        if let early { wait.continuation.resume(returning: early) }
    }

    private func waitToWrite(_ wait: StreamWait) {
        let early: StreamWait.Answer? = state.withLock { state in
            state.writer = wait
            if state.cancelledWriting >= wait.ticket {
                _ = state.giveUpWriting()
                return .failure(state.failure(.cancelled, "cancelled"))
            }
            if let answer = state.continueWriting() { return answer }
            state.arm()
            askForAlarm(&state, at: wait.deadline)
            return nil
        }
        if let early { wait.continuation.resume(returning: early) }
    }

    private func cancelReading(_ ticket: UInt64) {
        let wait = state.withLock { state -> StreamWait? in
            state.cancelledReading = max(state.cancelledReading, ticket)
            return state.reader?.ticket == ticket ? state.reader.take() : nil
        }
        answer([wait], .failure(StreamFailure(.cancelled, at: place, "cancelled")))
    }

    private func cancelWriting(_ ticket: UInt64) {
        let wait = state.withLock { state -> StreamWait? in
            state.cancelledWriting = max(state.cancelledWriting, ticket)
            return state.writer?.ticket == ticket ? state.giveUpWriting() : nil
        }
        answer([wait], .failure(StreamFailure(.cancelled, at: place, "cancelled")))
    }

    private func answer(_ waits: [StreamWait?], _ answer: StreamWait.Answer) {
        for wait in waits { wait?.continuation.resume(returning: answer) }
    }

    // MARK: Deadlines

    /// The timer is left where it is while it fires early enough: who waits again and again, each time a little later, costs nothing.
    private func askForAlarm(_ state: inout StreamState, at deadline: MonotonicInstant) {
        guard state.alarm.map({ deadline < $0 }) ?? true else { return }
        state.alarm = deadline
        engine.execute { self.setAlarm() }
    }

    /// On the loop.
    private func setAlarm() {
        state.withLock { state in
            if let timer = state.timer.take() { engine.loop.cancel(timer) }
            state.alarm = state.nextDeadline
            guard let alarm = state.alarm else { return }
            state.timer = engine.loop.schedule(after: alarm.duration(since: engine.loop.now)) { [weak self] in self?.timeIsUp() }
        }
    }

    /// On the loop.
    private func timeIsUp() {
        let now = engine.loop.now
        let late = state.withLock { state in
            state.timer = nil
            let reader = state.reader.map { $0.deadline <= now } == true ? state.reader.take() : nil
            let writer = state.writer.map { $0.deadline <= now } == true ? state.giveUpWriting() : nil
            return [reader, writer]
        }
        setAlarm()
        answer(late, .failure(StreamFailure(.late, at: place, "nothing came or went in time")))
    }

    // MARK: On the loop

    /// Begins to be watched: the slot under which events come. Nil where the system refuses; the stream is closed then.
    func begin(generation: UInt32) -> UInt32? {
        let slot = state.withLock { $0.begin(generation: generation) ? UInt32($0.descriptor) : nil }
        if slot == nil { close() }
        return slot
    }

    /// The socket is ready for something.
    func ready(_ generation: UInt32) {
        var answers: [(StreamWait?, StreamWait.Answer)] = []
        let looksAgain = state.withLock { state in
            guard state.generation == generation, !state.isClosed else { return false }
            state.disarm()
            let writer = state.writer
            if let answer = state.continueWriting() { answers.append((writer, answer)) }
            let looksAgain = serveReader(&state, &answers)
            state.arm()
            return looksAgain
        }
        if looksAgain { scheduleLook() }
        for (wait, answer) in answers { wait?.continuation.resume(returning: answer) }
    }

    /// Hands over what has come, or reads ahead where nobody waits. True where the loop should look again soon.
    private func serveReader(_ state: inout StreamState, _ answers: inout [(StreamWait?, StreamWait.Answer)]) -> Bool {
        guard state.reader != nil else { return markLook(&state, state.readAhead()) }
        guard let answer = state.take() else { return false }
        answers.append((state.reader.take(), answer))
        return markLook(&state, true)
    }

    private func markLook(_ state: inout StreamState, _ isWanted: Bool) -> Bool {
        guard isWanted, !state.isLookingAgain else { return false }
        state.isLookingAgain = true
        return true
    }

    private func scheduleLook() {
        engine.loop.schedule(after: Self.readAheadPause) { [weak self] in self?.lookAgain() }
    }

    /// Whoever waits is served by an event; for others it is read ahead.
    private func lookAgain() {
        let looksAgain = state.withLock { state in
            state.isLookingAgain = false
            guard state.reader == nil else { return false }
            let isWanted = state.readAhead()
            state.arm()
            return markLook(&state, isWanted)
        }
        if looksAgain { scheduleLook() }
    }
}
