import Connector
import Glibc
import Processes
import TestSupport
import Testing

@Suite(.timeLimit(.minutes(1)), .onItsOwnThread) struct SystemChildrenTests {
    private let children = SystemChildren(environment: Programs.environment.merging(["TZ": "UTC", "A_SECRET": "x"]) { $1 })

    private func start(_ script: String, lineLimit: Int = 1 << 16, hear: @escaping @Sendable (String) -> Void = { _ in }) throws
        -> any ChildProcess
    {
        try children.start(ChildProgram(command: ["sh", "-c", script], folder: "/", lineLimit: lineLimit, hear: hear))
    }

    private func failure(_ work: () throws -> Void) -> ChildFailure.Code? {
        do {
            try work()
            return nil
        } catch {
            return (error as? ChildFailure)?.code
        }
    }

    @Test func `lines go in and come out, in the folder that was named`() throws {
        let child = try start("while read line; do echo \"$line $PWD\"; done")
        for word in ["one", "two"] {
            try child.send(Array(word.utf8), within: .seconds(20))
            #expect(String(decoding: try child.receive(within: .seconds(20)), as: UTF8.self) == "\(word) /")
        }
        #expect(child.ending == nil)
    }

    @Test func `a program sees neither our secrets nor our descriptors`() throws {
        // The lowest number that is free: whatever else this process has open is found by the count below, too.
        let open = dup(2)
        defer { close(open) }
        #expect(open >= 3)
        let count = "n=3; open=0; while [ $n -lt 400 ]; do [ -e /proc/$$/fd/$n ] && open=$((open+1)); n=$((n+1)); done"
        let child = try start("\(count); echo \"secret '$A_SECRET', zone $TZ, open $open\"")
        let line = String(decoding: try child.receive(within: .seconds(20)), as: UTF8.self)
        #expect(line == "secret '', zone UTC, open 0")
    }

    @Test func `a program that cannot be started is named`() throws {
        let failure = #expect(throws: ChildFailure.self) {
            _ = try children.start(ChildProgram(command: ["/no/such/program"]))
        }
        #expect(failure?.code == .start)
        #expect(failure?.description.contains("/no/such/program") == true)
        #expect(self.failure { _ = try children.start(ChildProgram(command: [])) } == .start)
        #expect(self.failure { _ = try children.start(ChildProgram(command: ["cat"], folder: "/no/such/folder")) } == .start)
    }

    @Test func `who says nothing is late, and goes when told to`() throws {
        let child = try start("exec sleep 1000")
        #expect(failure { _ = try child.receive(within: .milliseconds(20)) } == .late)
        child.kill()
        #expect(failure { _ = try child.receive(within: .seconds(20)) } == .ended)
        children.shutdown()
        #expect(child.ending == "signal 9")
        #expect(children.count == 0)
    }

    @Test func `who does not listen is late`() throws {
        let child = try start("exec sleep 1000")
        let flood = [UInt8](repeating: 0x61, count: 1 << 20)
        #expect(failure { try child.send(flood, within: .milliseconds(50)) } == .late)
    }

    @Test func `how a program ended is known, and no zombie stays`() throws {
        let child = try start("exit 3")
        #expect(failure { _ = try child.receive(within: .seconds(20)) } == .ended)
        children.shutdown()
        #expect(child.ending == "exit status 3")
        #expect(failure { try child.send([0x61], within: .seconds(20)) } == .ended)
        #expect(failure { _ = try start("true") } == .start)
    }

    @Test func `what a program started goes with it`() throws {
        // The sleeper holds standard output: its end is seen only when it is gone too.
        let child = try start("sleep 1000 & echo started; exec sleep 1000")
        #expect(try child.receive(within: .seconds(20)) == Array("started".utf8))
        child.kill()
        #expect(failure { _ = try child.receive(within: .seconds(20)) } == .ended)
    }

    @Test func `what outlives the program is ended with it`() throws {
        let child = try start("sleep 1000 & echo started")
        #expect(try child.receive(within: .seconds(20)) == Array("started".utf8))
        #expect(failure { _ = try child.receive(within: .seconds(20)) } == .ended)
    }

    @Test func `who does not want to end is made to`() throws {
        let child = try start("trap '' TERM; echo ready; while :; do sleep 1000; done")
        #expect(try child.receive(within: .seconds(20)) == Array("ready".utf8))
        children.shutdown()
        #expect(child.ending == "signal 9")
    }

    @Test func `who can end by himself does`() throws {
        let child = try start("trap 'exit 7' TERM; echo ready; while :; do sleep 0.01; done")
        #expect(try child.receive(within: .seconds(20)) == Array("ready".utf8))
        children.shutdown()
        #expect(child.ending == "exit status 7")
    }

    @Test func `a program ends when nobody knows it any more`() throws {
        let bell = Bell()
        let isOver = Guarded(false)
        var child: (any ChildProcess)? = try start("trap '' TERM; echo ready; read line; echo over >&2") { _ in
            isOver.withLock { $0 = true }
            bell.ring()
        }
        #expect(try child?.receive(within: .seconds(20)) == Array("ready".utf8))
        child = nil
        #expect(bell.wait { isOver.withLock { $0 } })
    }

    @Test(arguments: ["head -c 3000 /dev/zero", "head -c 3000 /dev/zero; echo", "yes no line | tr '\\n' ' '"])
    func `a line beyond the limit is not read to its end`(script: String) throws {
        let child = try start(script, lineLimit: 1000)
        #expect(failure { _ = try child.receive(within: .seconds(20)) } == .tooLong)
    }

    @Test func `a line of the limit is read`() throws {
        let child = try start("head -c 1000 /dev/zero; echo", lineLimit: 1000)
        #expect(try child.receive(within: .seconds(20)).count == 1000)
    }

    @Test func `who speaks out of turn is found out`() throws {
        let child = try start("read x; printf 'a\\nb\\n'; exec sleep 1000")
        try child.send([], within: .seconds(20))
        #expect(try child.receive(within: .seconds(20)) == [0x61])
        #expect(failure { try child.send([], within: .seconds(20)) } == .unasked)
    }

    @Test func `the log comes in lines, cut, and not all of a flood`() throws {
        let lines = Guarded<[String]>([])
        let child = try start("echo one >&2; yes | head -n 200000 >&2; head -c 5000 /dev/zero | tr '\\0' x >&2") { line in
            lines.withLock { $0.append(line) }
        }
        #expect(failure { _ = try child.receive(within: .seconds(30)) } == .ended)
        children.shutdown()
        let heard = lines.withLock { $0 }
        #expect(heard.first == "one")
        #expect(heard.count < 1000)
        #expect(heard.contains { $0.hasSuffix("lines left out") })
        #expect(heard.allSatisfy { $0.utf8.count <= 1024 })
    }
}
