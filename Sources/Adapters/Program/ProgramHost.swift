import Connector
import Synchronization

/// What a connection's program is started with.
struct ProgramPlan: Sendable {
    var connection: ConnectionID
    var command: [String]
    var answerWithin: Duration
    var options: String?
    var secret: String?
    /// Words that may not come back in a reason or in the log.
    var hidden: [String] = []
}

/// Why a program gave no answer that counts.
struct ProgramTrouble: Error, Equatable {
    /// For people: no body, no secret, no whole number.
    var reason: String
    /// Whether the question may have reached the program.
    var mayHaveHeard: Bool
}

/// Keeps one program running and asks it one question at a time.
///
/// Whoever asks waits on his own thread, for no longer than he says: there is no other thread. A program that is late, ends or talks out
/// of turn is killed and begun anew with a later question.
final class ProgramHost: Sendable {
    enum Role: String, Sendable {
        /// Reads requests. What it costs the ledger is bounded by `ProgramPatience`.
        case decode
        /// Carries out commands.
        case perform
        /// Says where recordings are, and asks for the provider's log.
        case fetch
    }

    /// The lines' version, as `hello` tells it.
    static let protocolVersion = 1
    /// From its start to its first answer.
    private static let startWithin = Duration.seconds(10)
    private static let lineLimit = 1 << 20
    /// Memory of larger questions and answers is given back.
    private static let keptBytes = 64 << 10
    /// A program that is well is not looked after for so long: who mends it is slower.
    private static let lookAgainAfter = Duration.milliseconds(200)

    private struct Desk {
        var child: (any ChildProcess)?
        var startedAt: ContinuousClock.Instant?
        /// The number of the `hello` that was not answered yet.
        var greeting: Int?
        var nextNumber = 1
        var backoff = ProgramBackoff()
        var patience: ProgramPatience?
        /// Of the files that the program was started from, and when they were last looked at.
        var stamp: UInt64?
        var lookedAt: ContinuousClock.Instant?
        /// Memory of the last question and of the last answer, for the next ones.
        var question: [UInt8] = []
        var answer = JSONText()
    }

    /// For those who only look: never held while somebody waits.
    private struct Condition {
        var trouble: String?
        var child: (any ChildProcess)?
    }

    private let plan: ProgramPlan
    private let role: Role
    private let context: AdapterContext
    private let now: @Sendable () -> ContinuousClock.Instant
    private let desk: Mutex<Desk>
    private let condition = Mutex(Condition())

    init(
        _ plan: ProgramPlan, role: Role, _ context: AdapterContext,
        now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
    ) {
        self.plan = plan
        self.role = role
        self.context = context
        self.now = now
        var desk = Desk()
        if role == .decode { desk.patience = ProgramPatience(answerWithin: plan.answerWithin, at: now()) }
        self.desk = Mutex(desk)
    }

    var answerWithin: Duration { plan.answerWithin }

    /// What is wrong with the program; `nil` where it is well or was not needed yet.
    var trouble: String? {
        let (trouble, child) = condition.withLock { ($0.trouble, $0.child) }
        if let trouble { return trouble }
        return child?.ending.map { "the program ended with \($0)" }
    }

    func clean(_ text: String) -> String { ProgramWords.clean(text, hiding: plan.hidden) }

    /// A thread that may wait.
    func aside(_ work: @escaping @Sendable () -> Void) -> Bool { context.children?.aside(work) ?? false }

    /// Starts the program, so that it is there when it is needed. Waits for nobody.
    func warmUp() {
        guard context.children != nil else { return }
        _ = desk.withLockIfAvailable { desk in
            do throws(ProgramTrouble) {
                forgiveIfMended(&desk, at: now())
                _ = try start(&desk, at: now())
            } catch {
                note(error)
            }
        }
    }

    /// Puts one question and reads the answer to it.
    /// - Parameters:
    ///   - verb: the question's `do`.
    ///   - question: its members beside `id` and `do`.
    ///   - read: takes the answer apart; what it throws spoils this answer only, for the program did answer.
    func ask<Answer>(
        _ verb: String, within patience: Duration, _ question: (inout JSONWriter) -> Void,
        read: (JSONNode) throws(ProgramShapeError) -> Answer
    ) throws(ProgramTrouble) -> Answer {
        let began = now()
        let answer = desk.withLock { desk in
            Result { () throws(ProgramTrouble) in try ask(verb, &desk, since: began, within: patience, question) }
        }
        do {
            let node = try answer.get()
            let meaning = try read(node)
            return meaning
        } catch let error as ProgramShapeError {
            throw ProgramTrouble(reason: clean(error.description), mayHaveHeard: true)
        } catch let trouble as ProgramTrouble {
            throw trouble
        } catch {
            throw ProgramTrouble(reason: "the answer cannot be read", mayHaveHeard: true)
        }
    }

    // MARK: At the desk

    private func ask(
        _ verb: String, _ desk: inout Desk, since began: ContinuousClock.Instant, within patience: Duration,
        _ question: (inout JSONWriter) -> Void
    ) throws(ProgramTrouble) -> JSONNode {
        let arrived = now()
        let deadline = began.advanced(by: patience)
        guard arrived < deadline else { throw ProgramTrouble(reason: "the program is busy", mayHaveHeard: false) }
        forgiveIfMended(&desk, at: arrived)
        guard desk.patience?.allows(at: arrived) ?? true else {
            throw ProgramTrouble(
                reason: "the program is not asked for a while, for it was too slow; replay this when it is well",
                mayHaveHeard: false)
        }
        let wasReady = desk.child?.ending == nil && desk.child != nil && desk.greeting == nil
        defer { desk.patience?.spend(now() - arrived, wholly: !wasReady) }
        do throws(ProgramTrouble) {
            let child = try start(&desk, at: arrived)
            try greet(child, &desk, until: deadline)
            let answer = try exchange(verb, child, &desk, until: deadline, question)
            desk.backoff.succeeded()
            recover()
            return answer
        } catch {
            note(error)
            throw error
        }
    }

    /// What was wrong with a program says nothing of another one under the same name.
    private func forgiveIfMended(_ desk: inout Desk, at now: ContinuousClock.Instant) {
        let isWell = desk.child != nil && desk.greeting == nil && condition.withLock { $0.trouble == nil }
        if isWell, let looked = desk.lookedAt, now - looked < Self.lookAgainAfter { return }
        desk.lookedAt = now
        guard let stamp = context.children?.stamp(of: program), stamp != desk.stamp else { return }
        if desk.stamp != nil {
            desk.child?.kill()
            desk.child = nil
            desk.greeting = nil
            desk.backoff = ProgramBackoff()
            if desk.patience != nil { desk.patience = ProgramPatience(answerWithin: plan.answerWithin, at: now) }
        }
        desk.stamp = stamp
    }

    /// The program that runs, or a new one to which `hello` was written.
    private func start(_ desk: inout Desk, at now: ContinuousClock.Instant) throws(ProgramTrouble) -> any ChildProcess {
        if let child = desk.child {
            guard let ending = child.ending else { return child }
            // It ended between two questions. Nobody waits for it: the next question is not to blame.
            dismiss(&desk, at: now)
            if !desk.backoff.mayStart(at: now) {
                throw ProgramTrouble(reason: "the program ended with \(ending)", mayHaveHeard: false)
            }
        }
        guard let children = context.children else {
            throw ProgramTrouble(reason: "no program may be started here", mayHaveHeard: false)
        }
        guard desk.backoff.mayStart(at: now) else {
            throw ProgramTrouble(
                reason: "the program is not started again yet, for it failed; replay this when it is well", mayHaveHeard: false)
        }
        do throws(ChildFailure) {
            let child = try children.start(program)
            desk.child = child
            desk.startedAt = now
            condition.withLock { $0.child = child }
            desk.greeting = try write("hello", to: child, &desk, within: plan.answerWithin, greeting)
            return child
        } catch {
            dismiss(&desk, at: now)
            throw ProgramTrouble(reason: "the program: \(clean(error.description))", mayHaveHeard: false)
        }
    }

    private var program: ChildProgram {
        ChildProgram(command: plan.command, folder: context.folder, lineLimit: Self.lineLimit) { [plan, context] line in
            context.report(plan.connection, .said(ProgramWords.clean(line, hiding: plan.hidden)))
        }
    }

    private func greeting(_ json: inout JSONWriter) {
        json.field("protocol", Self.protocolVersion)
        json.field("role", role)
        json.field("connection", plan.connection.name)
        json.field("options", plan.options)
        json.field("secret", plan.secret)
    }

    /// Waits for the answer to `hello`, where it has not come. A program may take some questions' time to begin.
    private func greet(
        _ child: any ChildProcess, _ desk: inout Desk, until deadline: ContinuousClock.Instant
    ) throws(ProgramTrouble) {
        guard let number = desk.greeting else { return }
        do {
            let node = try read(try child.receive(within: deadline - now()), number, &desk)
            guard node["protocol"].int == Self.protocolVersion else { throw ProgramShapeError("protocol", "is not 1") }
            desk.greeting = nil
        } catch {
            let isStarting = desk.startedAt.map { now() < $0.advanced(by: Self.startWithin) } ?? false
            if let failure = error as? ChildFailure, failure.code == .late, isStarting {
                throw ProgramTrouble(reason: "the program is still starting", mayHaveHeard: false)
            }
            dismiss(&desk, at: now())
            throw ProgramTrouble(reason: "the program, to `hello`: \(clean("\(error)"))", mayHaveHeard: false)
        }
    }

    private func exchange(
        _ verb: String, _ child: any ChildProcess, _ desk: inout Desk, until deadline: ContinuousClock.Instant,
        _ question: (inout JSONWriter) -> Void
    ) throws(ProgramTrouble) -> JSONNode {
        do {
            let number = try write(verb, to: child, &desk, within: deadline - now(), question)
            return try read(try child.receive(within: deadline - now()), number, &desk)
        } catch {
            // Whatever it says later would be taken for the answer to another question.
            dismiss(&desk, at: now())
            throw ProgramTrouble(reason: "the program: \(clean("\(error)"))", mayHaveHeard: true)
        }
    }

    private func write(
        _ verb: String, to child: any ChildProcess, _ desk: inout Desk, within patience: Duration,
        _ members: (inout JSONWriter) -> Void
    ) throws(ChildFailure) -> Int {
        let number = desk.nextNumber
        desk.nextNumber &+= 1
        var json = JSONWriter(reusing: desk.question.count <= Self.keptBytes ? desk.question : [])
        json.beginObject()
        json.field("id", number)
        json.field("do", verb)
        members(&json)
        json.endObject()
        desk.question = json.finish()
        try child.send(desk.question, within: patience)
        return number
    }

    /// The answer's node keeps its text as long as somebody has it; the next answer then gets a new one.
    private func read(_ line: [UInt8], _ number: Int, _ desk: inout Desk) throws(ProgramShapeError) -> JSONNode {
        do {
            try desk.answer.parse(line)
        } catch {
            throw ProgramShapeError("", "is no \(error.description)")
        }
        let root = desk.answer.root
        if line.count > Self.keptBytes { desk.answer = JSONText() }
        guard root.isObject else { throw ProgramShapeError("", "is no object") }
        guard root["id"].int == number else { throw ProgramShapeError("id", "is not the question's") }
        return root
    }

    private func dismiss(_ desk: inout Desk, at now: ContinuousClock.Instant) {
        desk.child?.kill()
        desk.child = nil
        desk.greeting = nil
        desk.backoff.failed(at: now)
    }

    // MARK: Telling

    private func note(_ trouble: ProgramTrouble) {
        let isNew = condition.withLock { condition in
            defer { condition.trouble = trouble.reason }
            return condition.trouble == nil
        }
        if isNew { context.report(plan.connection, .trouble(trouble.reason)) }
    }

    private func recover() {
        let wasTroubled = condition.withLock { condition in
            defer { condition.trouble = nil }
            return condition.trouble != nil
        }
        if wasTroubled { context.report(plan.connection, .recovered) }
    }
}
