import ArgumentParser
import Connector
import DoubleServer
import Glibc
import Network
import VendorSimulators

/// What an Asterisk that is played may do wrong, and whom it lets in.
struct AsteriskPlayOptions: ParsableArguments {
    @Option(help: "Asterisk: seconds after which it restarts, again and again: it says so, ends all calls and closes.")
    var restart: Int?

    @Option(help: "Asterisk: seconds after which it falls over without a word, again and again.")
    var crash: Int?

    @Option(help: "Asterisk: seconds for which it then refuses connections. Default: 3.")
    var away: Int?

    @Option(help: "Asterisk: milliseconds after which a client that takes nothing is dropped.")
    var writeTimeout: Int?

    @Option(help: "Asterisk: the classes of events that the user may read, as in manager.conf: call,cdr.")
    var read: String?

    @Option(help: "Asterisk: the classes of actions that the user may take: originate,call.")
    var write: String?

    @Option(help: "Asterisk: plays the events of this recorded stream (NAME.ami, with NAME.arrival.tsv beside it) besides.")
    var trace: String?

    var isGiven: Bool {
        restart != nil || crash != nil || away != nil || writeTimeout != nil || read != nil || write != nil || trace != nil
    }

    func validate() throws {
        for (value, name) in [(restart, "restart"), (crash, "crash"), (away, "away")] {
            if let value, !(1...2_592_000).contains(value) { throw ValidationError("--\(name) is 1 to 2592000 seconds") }
        }
        if let writeTimeout, !(1...600_000).contains(writeTimeout) {
            throw ValidationError("--write-timeout is 1 to 600000 milliseconds")
        }
    }

    /// The double's options, with these and those faults that all doubles have.
    func options(_ settings: AdapterSettings, _ faults: DoubleFaults, speed: Double) -> AsteriskOptions {
        var user = AsteriskOptions.User(
            name: settings.values["username"] ?? "gateway", secret: settings.values["secret"] ?? "demo-secret")
        if let read { user.read = Self.classes(read) }
        if let write { user.write = Self.classes(write) }
        var options = AsteriskOptions(users: [user])
        options.speed = speed
        options.faults.delay = faults.delay
        options.faults.lostShare = faults.lostShare
        options.faults.silentShare = faults.silentShare
        options.faults.restartsAfter = restart.map { .seconds($0) }
        options.faults.crashesAfter = crash.map { .seconds($0) }
        options.faults.away = .seconds(away ?? 3)
        options.faults.writeTimeout = writeTimeout.map { .milliseconds($0) }
        return options
    }

    private static func classes(_ text: String) -> Set<String> {
        Set(text.split(separator: ",").map { $0.filter { $0 != " " } })
    }
}

/// `simulate asterisk --serve`: a manager interface made up, until the process is ended.
struct AsteriskService {
    let options: AsteriskOptions
    let seed: UInt64
    /// Calls that nobody orders.
    let plan: DoublePlan?
    /// Where what really happened is written, one JSON object a line.
    let truth: String?
    /// A recorded stream, whose events are played to whoever logs in within the first second.
    let trace: String?

    /// - Throws: `ExitCode` after writing what is wrong.
    func run(on port: UInt16) async throws {
        let book = try truth.map(TruthBook.init)
        var double = AsteriskDouble(options, seed: seed, at: SystemClock().now())
        if let trace { double.replay(try Self.read(trace, speed: options.speed), at: SystemClock().now()) }
        do {
            let server = try AsteriskDoubleServer(
                double, on: SocketAddress(.loopbackV4, port: port), faults: options.faults, playing: plan,
                timekeeper: SystemClock()
            ) { news in
                if case .ended(let truth) = news { book?.write(truth) }
                Console.complain("\(news)")
            }
            try server.start()
            Console.say("asterisk: log in as \(options.users[0].name) at \(server.address)")
            await Self.untilCancelled()
            await server.shutdown()
        } catch let error as NetworkError {
            Console.complain("Error: \(error)")
            throw SystemExit.unavailable
        }
    }

    private static func untilCancelled() async {
        let (never, source) = AsyncStream<Never>.makeStream()
        for await _ in never {}
        source.finish()
    }

    private static func read(_ path: String, speed: Double) throws -> AsteriskTrace {
        let table = (path.hasSuffix(".ami") ? String(path.dropLast(4)) : path) + ".arrival.tsv"
        let arrivals = String(decoding: try contents(of: table), as: UTF8.self)
        guard let trace = AsteriskTrace(try contents(of: path), arrivals: arrivals, speed: speed) else {
            Console.complain("Error: \(table): does not fit \(path)")
            throw SystemExit.configuration
        }
        return trace
    }

    private static func contents(of path: String) throws -> [UInt8] {
        guard let file = fopen(path, "re") else {
            Console.complain("Error: \(path): \(String(cString: strerror(errno)))")
            throw SystemExit.configuration
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        while bytes.count < 256 << 20 {
            let count = fread(&chunk, 1, chunk.count, file)
            guard count > 0 else { break }
            bytes += chunk[..<count]
        }
        return bytes
    }
}
