import Connector

@testable import VendorSimulators

/// A client of an Asterisk's double, without sockets: what it says and what it is told, at a time that the test moves.
struct AsteriskTalk {
    var double: AsteriskDouble
    private(set) var now = Instant(milliseconds: 1_796_000_000_000)
    private(set) var session = 0
    private(set) var isClosed = false
    private var reader = AsteriskActionReader()
    /// All that was told, in order.
    private(set) var heard: [AsteriskFields] = []
    private(set) var greeting = ""
    private var actions = 0

    static var user: AsteriskOptions.User { AsteriskOptions.User(name: "gateway", secret: "hush") }

    init(_ options: AsteriskOptions = AsteriskOptions(users: [user]), seed: UInt64 = 1) {
        double = AsteriskDouble(options, seed: seed, at: now)
        connect()
    }

    /// False where it is refused.
    @discardableResult
    mutating func connect() -> Bool {
        guard case .taken(let session) = double.connect(at: now) else { return false }
        self.session = session
        isClosed = false
        reader = AsteriskActionReader()
        let first = double.takeOutput().flatMap(\.bytes)
        greeting = String(decoding: first, as: UTF8.self)
        return true
    }

    /// Says something, and hears what comes at once.
    @discardableResult
    mutating func say(_ text: String) -> [AsteriskFields] {
        double.receive(Array(text.utf8), from: session, at: now)
        return listen()
    }

    /// Acts: `Redirect`, `Channel: …`. An ActionID comes by itself.
    @discardableResult
    mutating func act(_ name: String, _ headers: String...) -> [AsteriskFields] {
        actions += 1
        let lines = ["Action: \(name)", "ActionID: a\(actions)"] + headers
        return say(lines.map { $0 + "\r\n" }.joined() + "\r\n")
    }

    mutating func logIn() { act("Login", "Username: gateway", "Secret: hush") }

    /// Lets time pass, to each moment at which something is due.
    @discardableResult
    mutating func pass(_ duration: Duration) -> [AsteriskFields] {
        let end = now.advanced(by: duration)
        var told: [AsteriskFields] = []
        while let due = double.nextDue, due <= end {
            now = max(now, due)
            double.advance(to: now)
            told += listen()
        }
        now = end
        double.advance(to: now)
        return told + listen()
    }

    private mutating func listen() -> [AsteriskFields] {
        var told: [AsteriskFields] = []
        for output in double.takeOutput() where output.session == session {
            isClosed = isClosed || output.isClose
            for case .action(let fields) in reader.read(output.bytes) { told.append(fields) }
        }
        heard += told
        return told
    }

    mutating func begin(_ scenario: Scenario, seed: UInt64 = 7) { double.begin(scenario, seed: seed, at: now) }

    /// The name of the first channel of that endpoint that is there.
    func channel(_ endpoint: String) -> String {
        double.exchange.order.compactMap { double.exchange.legs[$0] }.first { $0.endpoint == endpoint }?.name ?? "none"
    }

    func legs() -> [AsteriskLeg] { double.exchange.order.compactMap { double.exchange.legs[$0] } }
}

extension [AsteriskFields] {
    /// The names of the events, without those of devices.
    var events: [String] { compactMap { $0["event"] }.filter { $0 != "DeviceStateChange" && $0 != "NewConnectedLine" } }

    func all(_ event: String) -> [AsteriskFields] { filter { $0["event"] == event } }

    /// What the first answer says.
    var message: String? { first { $0.items.first?.name == "Response" }?["message"] }
}
