import Connector
import Glibc
import PBXPlan
import Synchronization

/// Makes Opus or MP3 of recordings after their calls, a few at a time and behind everything else, and tells of each when it is done.
///
/// A recording that cannot be made smaller is told of as the WAV that it is; the reason is told once, until one can be. What waits when the
/// PBX ends is taken up at its next start (`CutRecordings`). Everything may be called on any thread.
final class RecordingEncoder: Sendable {
    /// What the encoders did so far.
    struct Counts: Equatable, Sendable {
        var (waiting, encoded, failed) = (0, 0, 0)
    }

    private struct Job {
        let record: PBXRecord
        let name: String
        let format: RecordingFormat
        let program: EncoderProgram
    }

    private struct State {
        var format = RecordingFormat.wav
        /// By format, as far as they were looked for; one that was missing is looked for again with the next plan.
        var programs: [RecordingFormat: EncoderProgram?] = [:]
        var queue: [Job] = []
        /// By the names of the recordings; nil while its program is about to be started.
        var running: [String: (any ChildProcess)?] = [:]
        var workers = 0
        var isClosed = false
        var problem: String?
        var (encoded, failed) = (0, 0)
        var whenIdle: [CheckedContinuation<Void, Never>] = []
    }

    /// How many may wait; one more stays WAV.
    private static let queueLimit = 1000
    private static let leastPatience = Duration.seconds(60)
    /// An encoder that gets a tenth of a core does a hundred times that.
    private static let bytesASecond = 100_000

    private let state = Mutex(State())
    private let folder: String
    private let searchPath: String
    private let children: any ChildProcesses
    private let concurrency: Int
    private let tell: @Sendable (PBXRecord) -> Void
    private let report: @Sendable (String?) -> Void

    /// - Parameters:
    ///   - searchPath: where programs are looked for, as in `PATH`.
    ///   - tell: takes the records of recordings that are done.
    ///   - report: hears why recordings stay WAV, and nil when they do not any more.
    init(
        folder: String, searchPath: String, children: any ChildProcesses, concurrency: Int = 1,
        tell: @escaping @Sendable (PBXRecord) -> Void, report: @escaping @Sendable (String?) -> Void
    ) {
        self.folder = folder
        self.searchPath = searchPath
        self.children = children
        self.concurrency = concurrency
        self.tell = tell
        self.report = report
    }

    var counts: Counts {
        state.withLock { Counts(waiting: $0.queue.count + $0.running.count, encoded: $0.encoded, failed: $0.failed) }
    }

    /// What recordings that end from now on become. Blocks for a look along the path.
    func follow(_ format: RecordingFormat) {
        let isKnown = state.withLock { state in
            state.format = format
            return format == .wav || (state.programs[format] ?? nil) != nil
        }
        if !isKnown {
            let found = EncoderProgram.find(format, along: searchPath)
            state.withLock { $0.programs[format] = .some(found) }
        }
        let isMissing = state.withLock { $0.format != .wav && $0.programs[$0.format] == .some(nil) }
        note(isMissing ? "neither \(EncoderProgram.names(format)) is there" : nil)
    }

    /// Takes over the record of a recording that is whole, where something is to be made of it first.
    /// - Returns: false for every other record: it is told as it is.
    func take(_ record: PBXRecord) -> Bool {
        guard case .recording(let moment) = record.fact, moment.phase == .completed,
            let name = PBXRecordingName(moment.name), name.box == nil
        else { return false }
        enum Way { case no, full, yes }
        let way: Way = state.withLock { state in
            guard !state.isClosed, state.format != .wav, let program = state.programs[state.format] ?? nil else { return .no }
            guard state.queue.count < Self.queueLimit else { return .full }
            state.queue.append(Job(record: record, name: name.text, format: state.format, program: program))
            return .yes
        }
        if way == .full { fail("\(Self.queueLimit) wait already") }
        if way == .yes { beginWorker() }
        return way == .yes
    }

    /// Whether a recording will be another file in a moment: nobody should take the one that is there.
    func isPending(_ name: String) -> Bool {
        state.withLock { state in state.running[name] != nil || state.queue.contains { $0.name == name } }
    }

    /// Ends the programs, and waits until nothing is written any more. What waited stays WAV until the next start.
    func close() async {
        let running = state.withLock { state in
            state.isClosed = true
            state.queue = []
            return state.running.values.compactMap { $0 }
        }
        for child in running { child.kill() }
        await withCheckedContinuation { idle in
            let isIdle = state.withLock { state in
                if state.workers > 0 { state.whenIdle.append(idle) }
                return state.workers == 0
            }
            if isIdle { idle.resume() }
        }
    }

    // MARK: Workers

    private func beginWorker() {
        let isWanted = state.withLock { state in
            guard state.workers < concurrency, !state.queue.isEmpty else { return false }
            state.workers += 1
            return true
        }
        guard isWanted, !children.aside({ self.work() }) else { return }
        state.withLock { $0.workers -= 1 }
        giveUp()
    }

    /// No thread is to be had: what waits is told as it is.
    private func giveUp() {
        let jobs = state.withLock { state in
            defer { state.queue = [] }
            return state.workers == 0 ? state.queue : []
        }
        guard !jobs.isEmpty else { return }
        fail("the system gives no thread", count: jobs.count)
        for job in jobs { tell(job.record) }
    }

    private func work() {
        while let job = next() {
            let problem = encode(job)
            let isCutOff = state.withLock { state in
                state.running[job.name] = nil
                return state.isClosed && problem != nil
            }
            // Its program was ended with the PBX: the next start takes it up.
            if isCutOff { continue }
            if let problem { fail("\(problem)") } else { succeed() }
            tell(job.record)
        }
    }

    /// The next job; nil ends the worker.
    private func next() -> Job? {
        let (job, idle): (Job?, [CheckedContinuation<Void, Never>]) = state.withLock { state in
            guard !state.isClosed, !state.queue.isEmpty else {
                state.workers -= 1
                guard state.workers == 0 else { return (nil, []) }
                defer { state.whenIdle = [] }
                return (nil, state.whenIdle)
            }
            let job = state.queue.removeFirst()
            state.running[job.name] = .some(nil)
            return (job, [])
        }
        for one in idle { one.resume() }
        return job
    }

    /// - Returns: why the recording stays WAV; nil where it does not.
    private func encode(_ job: Job) -> EncodingProblem? {
        let files = RecordingFiles(folder: folder, name: job.name)
        // One before us came this far.
        if files.made != nil {
            unlink(files.wav)
            return nil
        }
        let draft = files.draft(job.format)
        do throws(EncodingProblem) {
            let patience = Self.leastPatience + .seconds(try Self.size(of: files.wav) / Self.bytesASecond)
            try run(job, job.program.program(from: files.wav, to: draft), patience)
            try files.replace(by: job.format)
            return nil
        } catch {
            unlink(draft)
            return error
        }
    }

    private static func size(of path: String) throws(EncodingProblem) -> Int {
        var status = stat()
        guard lstat(path, &status) == 0 else { throw EncodingProblem("the recording is not there") }
        return Int(status.st_size)
    }

    private func run(_ job: Job, _ program: ChildProgram, _ patience: Duration) throws(EncodingProblem) {
        let name = job.program.name
        do throws(ChildFailure) {
            let child = try children.start(program)
            let isClosed = state.withLock { state in
                state.running[job.name] = child
                return state.isClosed
            }
            if isClosed { child.kill() }
            defer { child.kill() }
            let status = String(decoding: try child.receive(within: patience), as: UTF8.self)
            guard status != "0" else { return }
            throw ChildFailure(.ended, "it ended with status \(status.prefix(8))")
        } catch {
            throw EncodingProblem("\(name): \(error)")
        }
    }

    // MARK: Telling

    private func succeed() {
        state.withLock { $0.encoded += 1 }
        note(nil)
    }

    private func fail(_ problem: String, count: Int = 1) {
        state.withLock { $0.failed += count }
        note(problem)
    }

    private func note(_ problem: String?) {
        let isNews = state.withLock { state in
            defer { state.problem = problem }
            return state.problem != problem
        }
        if isNews { report(problem) }
    }
}
