import CSystem
import Glibc
import Media
import Network

/// What relaying a packet costs, with and without a recording, and how many calls there may be: the calls come from a child process, so
/// that the CPU time of this one is the relay's.
enum MediaBenchmark {
    /// `benchmarks media [CALLS [SECONDS [recorded] [two-loops]]]`: 500 calls plain and recorded, and 1,000 on two loops, where nothing is said.
    static func run(_ arguments: [String] = []) throws {
        let seconds = arguments.count > 1 ? Int(arguments[1]) ?? 5 : 5
        if let calls = arguments.first.flatMap({ Int($0) }) {
            let loops = arguments.contains("two-loops") ? 2 : 1
            let recorded = arguments.contains("recorded")
            let result = try MediaRun(calls: calls, loops: loops, seconds: seconds, recorded: recorded).run()
            report("\(calls) calls", result)
            print("media, a call\(recorded ? ", recorded" : ""): \((result.grown * 10).rounded() / 10) kB")
            return
        }
        var (plain, recorded): ([MediaRun.Result], [MediaRun.Result]) = ([], [])
        // Alternated, so that whatever else the machine does hits both.
        for _ in 0..<3 {
            plain.append(try MediaRun(calls: 500, loops: 1, seconds: seconds, recorded: false).run())
            recorded.append(try MediaRun(calls: 500, loops: 1, seconds: seconds, recorded: true).run())
        }
        report("500 calls", median(plain))
        report("500 calls, recorded", median(recorded))
        let extra = median(recorded).cost - median(plain).cost
        print("media, recording adds \((extra * 100).rounded() / 100) µs a packet")
        report("1000 calls, two loops", try MediaRun(calls: 1000, loops: 2, seconds: seconds, recorded: false).run())
    }

    private static func median(_ results: [MediaRun.Result]) -> MediaRun.Result {
        results.sorted { $0.cost < $1.cost }[results.count / 2]
    }

    private static func report(_ name: String, _ result: MediaRun.Result) {
        let lost = Double(result.sent - result.received) / Double(max(1, result.sent)) * 100
        print(
            "media, \(name): \((result.cost * 100).rounded() / 100) µs CPU a packet, \(result.received) packets, "
                + "\((lost * 1000).rounded() / 1000) % lost, delay p50 \(result.p50) µs, p99 \(result.p99) µs, "
                + "generator \((result.generatorCost * 100).rounded() / 100) µs a packet")
    }
}

/// One relay with its child.
private final class MediaRun {
    struct Result {
        var (sent, received, p50, p99) = (0, 0, 0, 0)
        /// CPU time a relayed packet in µs: of this process, and of the child.
        var (cost, generatorCost) = (0.0, 0.0)
        /// What this process grew by, in kB a call; of a process's first run only, for later ones find room that is there.
        var grown = 0.0
    }

    private let calls: Int
    private let seconds: Int
    private let recorded: Bool
    private let loops: [EventLoop]
    private let folder: String

    init(calls: Int, loops: Int, seconds: Int, recorded: Bool) throws {
        (self.calls, self.seconds, self.recorded) = (calls, seconds, recorded)
        self.loops = try (0..<loops).map { try EventLoop(name: "media \($0)") }
        var template = Array("\(getenv("BENCH_FOLDER").map { String(cString: $0) } ?? "/tmp")/media-XXXXXX".utf8CString)
        folder = mkdtemp(&template).map { String(cString: $0) } ?? "/tmp"
    }

    func run() throws -> Result {
        var settings = MediaSettings()
        // Below the ports that the system gives to others, of which the child takes many.
        settings.ports = 10_000...32_000
        let plane = try MediaPlane(loops: loops, signalling: loops[0], settings: settings)
        for loop in loops { try loop.start() }
        let memory = Self.residentKilobytes
        let child = try Generator(calls: calls, seconds: seconds)
        for call in 0..<calls { child.answer(try open(call, child.readPorts(), plane)) }
        child.flush()
        guard child.readLine() == "begin" else { throw MediaError(.over, "the generator did not begin") }
        let before = CPUTime.ofProcess
        let words = (child.readLine() ?? "").split(separator: " ").compactMap { Int($0) }
        let spent = CPUTime.ofProcess - before
        let grown = Double(Self.residentKilobytes - memory) / Double(calls)
        child.end()
        try shutDown(plane)
        guard words.count == 5 else { throw MediaError(.over, "the generator did not end") }
        let packets = Double(max(1, words[1]))
        return Result(
            sent: words[0], received: words[1], p50: words[2], p99: words[3], cost: spent / packets,
            generatorCost: Double(words[4]) / packets, grown: grown)
    }

    private static var residentKilobytes: Int {
        guard let file = fopen("/proc/self/statm", "re") else { return 0 }
        defer { fclose(file) }
        var line = [CChar](repeating: 0, count: 128)
        guard fgets(&line, 128, file) != nil else { return 0 }
        let words = String(decoding: line.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self).split(separator: " ")
        return words.count > 1 ? (Int(words[1]) ?? 0) * sysconf(Int32(_SC_PAGESIZE)) / 1024 : 0
    }

    /// Opens and bridges one call for the ports of the child.
    private func open(_ call: Int, _ remote: (UInt16, UInt16), _ plane: MediaPlane) throws -> (UInt16, UInt16) {
        let (recorded, path) = (recorded, "\(folder)/\(call).wav")
        return try onLoop {
            let one = try plane.open(address: .loopbackV4)
            let other = try plane.open(address: .loopbackV4, near: one.id)
            plane.configure(one.id, MediaTerms(remote: SocketAddress(.loopbackV4, port: remote.0)))
            plane.configure(other.id, MediaTerms(remote: SocketAddress(.loopbackV4, port: remote.1)))
            plane.bridge(one.id, other.id)
            if recorded { plane.record(RecordingID("\(call)"), path: path, left: one.id, right: other.id) }
            return (one.local.port, other.local.port)
        }
    }

    private func shutDown(_ plane: MediaPlane) throws {
        let done = Gate()
        loops[0].execute { plane.shutdown { done.open() } }
        done.wait()
        for loop in loops { loop.stop() }
        for call in 0..<calls { unlink("\(folder)/\(call).wav") }
        rmdir(folder)
    }

    private func onLoop<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) throws -> Value {
        let (gate, box) = (Gate(), Box<Value>())
        loops[0].execute {
            box.result = Swift.Result { try body() }
            gate.open()
        }
        gate.wait()
        guard let result = box.result else { throw MediaError(.over, "no result") }
        return try result.get()
    }
}

/// What the loop leaves for whoever waits at the gate.
///
/// `@unchecked Sendable`: written before the gate opens, read after.
private final class Box<Value: Sendable>: @unchecked Sendable {
    var result: Swift.Result<Value, any Error>?
}

/// Opens once.
private final class Gate: Sendable {
    private let descriptor = csys_eventfd()

    func open() {
        var one: UInt64 = 1
        _ = write(descriptor, &one, 8)
    }

    func wait() {
        while csys_wait_ready(descriptor, 0, 1000) == 0 {}
        close(descriptor)
    }
}

/// The child process that makes the calls.
private final class Generator {
    private let pid: Int32
    private let output: UnsafeMutablePointer<FILE>
    private let input: UnsafeMutablePointer<FILE>

    init(calls: Int, seconds: Int) throws {
        var (toChild, fromChild): ([Int32], [Int32]) = ([-1, -1], [-1, -1])
        guard csys_pipe(&toChild) == 0, csys_pipe(&fromChild) == 0 else { throw MediaError(.threads, "pipes for the generator") }
        var pid: Int32 = 0
        let words: [String] = ["/proc/self/exe", "rtp-load", "\(calls)", "\(seconds)"]
        let arguments: [UnsafeMutablePointer<CChar>?] = words.map { word in strdup(word) } + [nil]
        defer { arguments.forEach { free($0) } }
        let failure = csys_spawn(arguments, environ, nil, [toChild[0], fromChild[1], 2], &pid)
        close(toChild[0])
        close(fromChild[1])
        guard failure == 0, let output = fdopen(fromChild[0], "r"), let input = fdopen(toChild[1], "w") else {
            throw MediaError(.threads, "the generator", errno: failure)
        }
        (self.pid, self.output, self.input) = (pid, output, input)
    }

    func readLine() -> String? {
        var line = [CChar](repeating: 0, count: 256)
        guard fgets(&line, Int32(line.count), output) != nil else { return nil }
        return String(decoding: line.prefix { $0 != 0 && $0 != 10 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func readPorts() throws -> (UInt16, UInt16) {
        let ports = (readLine() ?? "").split(separator: " ").compactMap { UInt16($0) }
        guard ports.count == 2 else { throw MediaError(.over, "the generator gave no ports") }
        return (ports[0], ports[1])
    }

    func answer(_ ports: (UInt16, UInt16)) { fputs("\(ports.0) \(ports.1)\n", input) }

    func flush() { fflush(input) }

    func end() {
        fclose(input)
        fclose(output)
        var status: Int32 = 0
        waitpid(pid, &status, 0)
    }
}
