import AdapterKit
import Connector
import Dispatch
import TestSupport
import Testing

@testable import ProgramAdapter

@Suite struct ProgramHostTests {
    private let clock = HandClock()
    private let news = Guarded<[AdapterNews]>([])

    private func host(_ children: ScriptedChildren, role: ProgramHost.Role = .decode) -> ProgramHost {
        var plan = ProgramPlan(connection: ConnectionID("pbx"), command: ["x"], answerWithin: .seconds(2))
        plan.hidden = ["s3cret"]
        return ProgramHost(
            plan, role: role,
            AdapterContext(children: children) { [news] _, one in news.withLock { $0.append(one) } },
            now: { [clock] in clock.now })
    }

    private func decode(_ host: ProgramHost) -> String {
        let decoder = ProgramDecoder(host)
        let raw = RawRecord(id: RawID(bits: 1), connection: ConnectionID("pbx"), receivedAt: Instant(unixSeconds: 1), body: [])
        switch decoder.decode(raw).first {
        case .ignored(let reason)?: return "ignored: \(reason)"
        case .undecoded(let reason)?: return "undecoded: \(reason)"
        default: return "?"
        }
    }

    @Test func `a program that answers is asked on`() {
        let children = ScriptedChildren { _, _, _ in .answer(#"{"id": #, "ignored": "fine"}"#) }
        let host = host(children)
        for _ in 0..<100 { #expect(decode(host) == "ignored: fine") }
        #expect(children.started == 1)
        #expect(children.questions.count == 101)
        #expect(host.trouble == nil)
        #expect(news.withLock { $0 } == [])
    }

    @Test func `after two late answers nobody waits, until time has passed`() {
        let children = ScriptedChildren { [clock] _, verb, _ in
            guard verb == "decode" else { return .answer("") }
            clock.pass(.seconds(2))
            return .fail(.late)
        }
        let host = host(children)
        let began = clock.now
        #expect(decode(host) == "undecoded: the program: late")
        #expect(decode(host) == "undecoded: the program: late")
        #expect(clock.now - began == .seconds(4))
        for _ in 0..<1000 { #expect(decode(host).hasPrefix("undecoded: the program is not asked for a while")) }
        #expect(clock.now - began == .seconds(4))
        #expect(host.trouble == "the program: late")
        clock.pass(.seconds(20))
        #expect(decode(host) == "undecoded: the program: late")
        #expect(decode(host).hasPrefix("undecoded: the program is not asked for a while"))
        #expect(news.withLock { $0 } == [.trouble("the program: late")])
    }

    @Test func `a program that is well again is believed`() {
        let isIll = Guarded(true)
        let children = ScriptedChildren { [clock] _, verb, _ in
            guard verb == "decode", isIll.withLock({ $0 }) else { return .answer(#"{"id": #, "ignored": "fine"}"#) }
            clock.pass(.seconds(2))
            return .fail(.late)
        }
        let host = host(children)
        for _ in 0..<3 { _ = decode(host) }
        isIll.withLock { $0 = false }
        clock.pass(.seconds(20))
        for _ in 0..<100 { #expect(decode(host) == "ignored: fine") }
        #expect(host.trouble == nil)
        #expect(news.withLock { $0 }.last == .recovered)
    }

    @Test func `answers that are slow but in time are bounded too`() {
        let children = ScriptedChildren { [clock] _, verb, _ in
            if verb == "decode" { clock.pass(.milliseconds(1900)) }
            return .answer(#"{"id": #, "ignored": "fine"}"#)
        }
        let host = host(children)
        let began = clock.now
        for _ in 0..<1000 { _ = decode(host) }
        #expect(clock.now - began <= .seconds(6))
    }

    @Test func `a program that ends is begun anew, at growing intervals`() {
        let children = ScriptedChildren { _, verb, _ in verb == "decode" ? .fail(.ended) : .answer("") }
        let host = host(children)
        for _ in 0..<10 { _ = decode(host) }
        #expect(children.started == 2)
        clock.pass(.seconds(1))
        for _ in 0..<10 { _ = decode(host) }
        #expect(children.started == 3)
        clock.pass(.seconds(1))
        #expect(decode(host).contains("not started again yet"))
        clock.pass(.seconds(1))
        _ = decode(host)
        #expect(children.started == 4)
    }

    @Test func `a request that kills the program costs that request only`() {
        let children = ScriptedChildren { _, verb, line in
            guard verb == "decode" else { return .answer("") }
            return line["id"]?.int == 4 ? .fail(.ended) : .answer(#"{"id": #, "ignored": "fine"}"#)
        }
        let host = host(children)
        let answers = (0..<6).map { _ in decode(host) }
        #expect(answers.filter { $0 == "ignored: fine" }.count == 5)
        #expect(answers[2] == "undecoded: the program: ended")
        #expect(children.started == 2)
        #expect(host.trouble == nil)
    }

    @Test func `a program that was mended is asked at once`() {
        let children = ScriptedChildren { [clock] program, verb, _ in
            guard verb == "decode", program < 3 else { return .answer(#"{"id": #, "ignored": "fine"}"#) }
            clock.pass(.seconds(2))
            return .fail(.late)
        }
        let host = host(children)
        for _ in 0..<3 { _ = decode(host) }
        #expect(decode(host).hasPrefix("undecoded: the program is not asked for a while"))
        children.version.withLock { $0 = 2 }
        #expect(decode(host) == "ignored: fine")
        #expect(host.trouble == nil)
        #expect(children.started == 3)
        children.version.withLock { $0 = 3 }
        clock.pass(.milliseconds(200))
        #expect(decode(host) == "ignored: fine")
        #expect(children.started == 4)
    }

    @Test func `a program that is not there turns the connection red`() {
        let host = host(ScriptedChildren(refusesToStart: true) { _, _, _ in .fail(.start) })
        host.warmUp()
        #expect(host.trouble == "the program: `x` cannot be started")
        #expect(decode(host).hasPrefix("undecoded"))
    }

    @Test func `where nothing may be started there is a reason`() {
        let plan = ProgramPlan(connection: ConnectionID("pbx"), command: ["x"], answerWithin: .seconds(2))
        #expect(decode(ProgramHost(plan, role: .decode, AdapterContext())) == "undecoded: no program may be started here")
    }

    @Test func `a program may take several questions to start, but not for ever`() {
        let children = ScriptedChildren { [clock] _, verb, _ in
            clock.pass(.milliseconds(10))
            return verb == "hello" ? .fail(.late) : .answer(#"{"id": #, "ignored": "fine"}"#)
        }
        let host = host(children)
        #expect(decode(host) == "undecoded: the program is still starting")
        #expect(decode(host) == "undecoded: the program is still starting")
        #expect(children.started == 1)
        clock.pass(.seconds(10))
        #expect(decode(host) == "undecoded: the program, to `hello`: late")
    }

    @Test(arguments: [
        ("no json", "is no JSON"), ("[]", "is no object"), (#"{"id": 99}"#, "'s `id` is not the question's"),
        (#"{"ignored": "x"}"#, "'s `id` is not the question's"), ("{\"id\": #", "is no JSON"), ("", "is no JSON"),
        ("\u{0}", "is no JSON"),
    ])
    func `garbage begins the program anew`(answer: String, expected: String) {
        let children = ScriptedChildren { _, verb, _ in .answer(answer) }
        let host = host(children)
        let reason = decode(host)
        #expect(reason.hasPrefix("undecoded: the program: the answer"))
        #expect(reason.contains(expected), "\(reason)")
        _ = decode(host)
        #expect(children.started == 2)
    }

    @Test func `an answer of the wrong shape spoils itself only`() {
        let children = ScriptedChildren { _, _, _ in .answer(#"{"id": #, "events": 1}"#) }
        let host = host(children)
        for _ in 0..<10 { #expect(decode(host) == "undecoded: the answer's `events` is no list") }
        #expect(children.started == 1)
    }

    @Test func `reasons are cleaned`() {
        let children = ScriptedChildren { _, _, _ in
            .answer(#"{"id": #, "ignored": "s3cret of 79000000101\nat 2026 \#(String(repeating: "x", count: 900))"}"#)
        }
        let reason = decode(host(children))
        #expect(reason.hasPrefix("ignored: *** of *** at 2026 x"))
        #expect(reason.count < 320)
    }

    // MARK: Commands

    private func perform(_ children: ScriptedChildren, _ action: Command.Action = .hangup) async -> Result<
        ProviderAnswer, ProviderFailure
    > {
        let client = ProgramClient(
            host(children, role: .perform), fetcher: host(children, role: .fetch), able: [.hangup, .originate])
        do throws(ProviderFailure) {
            return .success(
                try await client.perform(ProviderOrder(id: CommandID(bits: 1), action: action, deadline: .seconds(5))))
        } catch {
            return .failure(error)
        }
    }

    @Test func `a command is carried out`() async throws {
        let seen = Guarded<[JSONValue]>([])
        let children = ScriptedChildren { _, _, line in
            seen.withLock { $0.append(line) }
            return .answer(#"{"id": #, "done": {"code": "ok", "call": {"kind": "call", "value": "c"}, "preliminary": true}}"#)
        }
        let answer = try await perform(children, .originate(.init(from: "101", to: "79000000101"))).get()
        #expect(answer == ProviderAnswer(call: ExternalKey(.call, "c"), code: "ok", isPreliminary: true))
        let order = try #require(seen.withLock { $0.last })
        #expect(order["do"]?.string == "perform")
        #expect(order["action"]?["type"]?.string == "originate")
        #expect(order["action"]?["from"]?.string == "101")
        #expect(order["deadline_ms"]?.int == 5000)
        #expect(order["target"] == .null)
    }

    @Test func `a refusal is told`() async {
        let children = ScriptedChildren { _, _, _ in
            .answer(#"{"id": #, "failed": {"kind": "limited", "code": "x", "text": "not 79000000101", "retry_after_ms": 1000}}"#)
        }
        let failure = ProviderFailure(.limited, code: "x", text: "not ***", retryAfter: .seconds(1))
        #expect(await perform(children) == .failure(failure))
    }

    @Test(arguments: [ChildFailure.Code.late, .ended, .tooLong])
    func `a command without an answer may have been carried out`(code: ChildFailure.Code) async {
        let children = ScriptedChildren { _, verb, _ in verb == "perform" ? .fail(code) : .answer("") }
        guard case .failure(let failure) = await perform(children) else { return #expect(Bool(false)) }
        #expect(failure.kind == .unknown)
        #expect(children.questions.filter { $0 == "perform" }.count == 1)
    }

    @Test func `a command that cannot leave has not been carried out`() async {
        guard case .failure(let failure) = await perform(ScriptedChildren(refusesToStart: true) { _, _, _ in .fail(.start) })
        else {
            return #expect(Bool(false))
        }
        #expect(failure.kind == .unavailable)
    }

    @Test func `a command that the settings do not name is not asked for`() async {
        let children = ScriptedChildren { _, _, _ in .answer("") }
        guard case .failure(let failure) = await perform(children, .hold) else { return #expect(Bool(false)) }
        #expect(failure.kind == .unsupported)
        #expect(children.started == 0)
    }

    @Test(arguments: [#"{"id": #}"#, #"{"id": #, "done": {}, "failed": {"kind": "rejected"}}"#, #"{"id": #, "done": 1}"#])
    func `an answer to a command that says nothing leaves it unknown`(answer: String) async {
        guard case .failure(let failure) = await perform(ScriptedChildren { _, _, _ in .answer(answer) }) else {
            return #expect(Bool(false))
        }
        #expect(failure.kind == .unknown)
    }

    // MARK: Recordings and history

    private func client(_ answer: String, able: [Capability] = [.recordings, .history]) -> (ProgramClient, ScriptedChildren) {
        let children = ScriptedChildren { _, verb, _ in .answer(verb == "hello" ? "" : answer) }
        return (
            ProgramClient(
                host(children, role: .perform), fetcher: host(children, role: .fetch), able: able,
                server: ServerAddress("https://pbx.example")), children
        )
    }

    private func failure<Answer>(_ ask: () async throws(ProviderFailure) -> Answer) async -> ProviderFailure? {
        do throws(ProviderFailure) {
            _ = try await ask()
            return nil
        } catch {
            return error
        }
    }

    @Test func `a program says where a recording is, and what must be sent along`() async throws {
        let (client, children) = client(
            #"{"id": #, "fetch": {"url": "https://pbx.example/r%201.mp3", "headers": {"X-Key": "k"}}}"#)
        let request = try await client.recording("r 1")
        #expect(request.method == "GET")
        #expect(request.url == "https://pbx.example/r%201.mp3")
        #expect(request.headers == [HeaderField(name: "X-Key", value: "k")])
        #expect(children.questions == ["hello", "recording"])
    }

    @Test(arguments: [
        #"{"id": #}"#, #"{"id": #, "fetch": {}}"#, #"{"id": #, "fetch": {"url": "file:///etc/passwd"}}"#,
        #"{"id": #, "fetch": {"url": "https://pbx.example/a b"}}"#,
        #"{"id": #, "fetch": {"url": "https://pbx.example/", "headers": {"Host": "x"}}}"#,
        #"{"id": #, "fetch": {"url": "https://elsewhere.example/", "headers": {"X-Key": "k"}}}"#,
        #"{"id": #, "fetch": {"url": "https://pbx.example.elsewhere.example/", "headers": {"X-Key": "k"}}}"#,
        #"{"id": #, "fetch": {"url": "https://pbx.example/", "headers": {"X-Key": "a\r\nb"}}}"#,
        #"{"id": #, "fetch": {"url": "https://pbx.example/"}, "failed": {"kind": "rejected"}}"#,
    ])
    func `a recording's place that cannot be right is not gone to`(answer: String) async {
        let (client, _) = client(answer)
        #expect(await failure { () throws(ProviderFailure) in try await client.recording("r") }?.kind == .unknown)
    }

    @Test func `a program hands over its log in pages`() async throws {
        let (client, children) = client(#"{"id": #, "bodies": ["{}", "[]"], "more": true}"#)
        let window = HistoryWindow(from: Instant(unixSeconds: 0), to: Instant(unixSeconds: 3600))
        let page = try await client.history(window, page: 2)
        #expect(page.bodies == [Array("{}".utf8), Array("[]".utf8)])
        #expect(page.hasMore)
        #expect(page.path == "/history")
        #expect(children.questions == ["hello", "history"])
    }

    @Test func `whoever is cancelled does not wait for the program's answer`() async {
        let gate = DispatchSemaphore(value: 0)
        defer { gate.signal() }
        let (asked, asking) = AsyncStream<Void>.makeStream()
        let children = ScriptedChildren { _, verb, _ in
            guard verb == "history" else { return .answer("") }
            asking.yield()
            gate.wait()
            return .answer(#"{"id": #, "bodies": []}"#)
        }
        let client = ProgramClient(
            host(children, role: .perform), fetcher: host(children, role: .fetch), able: [.history])
        let window = HistoryWindow(from: Instant(unixSeconds: 0), to: Instant(unixSeconds: 3600))
        let task = Task { await failure { () throws(ProviderFailure) in try await client.history(window, page: 0) } }
        for await _ in asked { break }
        task.cancel()
        let given = await task.value
        #expect(given?.kind == .unknown)
        #expect(given?.code == "cancelled")
    }

    @Test func `what a program says no to is told, and what is not named is not asked for`() async {
        let (refusing, _) = client(#"{"id": #, "failed": {"kind": "limited", "retry_after_ms": 500}}"#)
        let window = HistoryWindow(from: Instant(unixSeconds: 0), to: Instant(unixSeconds: 3600))
        let limited = await failure { () throws(ProviderFailure) in try await refusing.history(window, page: 0) }
        #expect(limited?.kind == .limited)
        #expect(limited?.retryAfter == .milliseconds(500))
        let (idle, children) = client("", able: [.originate])
        #expect(await failure { () throws(ProviderFailure) in try await idle.recording("r") }?.kind == .unsupported)
        #expect(await failure { () throws(ProviderFailure) in try await idle.history(window, page: 0) }?.kind == .unsupported)
        #expect(children.started == 0)
    }
}
