import CSystem
import Connector
import DoubleServer
import HTTPClient
import HTTPServer
import Network
import TestSupport
import Testing
import VendorSimulators

/// A vendor's double in the test's own process, behind a socket of its own: the gateway asks it, and hears from it.
final class VendorStand: Sendable {
    let vendor: String
    /// `http://127.0.0.1:PORT`.
    let origin: String
    /// Holds back webhooks of calls that are ordered.
    let gate = GateClock()
    private let stage: DoubleStage<GateClock>
    private let news: News
    private let outgoing: OutgoingHTTP
    private let serving: Task<Void, any Error>

    private struct News: Sendable {
        let all = Guarded<[DoubleNews]>([])
        let bell = Bell()
        let origin = Guarded<String?>(nil)

        func tell(_ one: DoubleNews) {
            all.withLock { $0.append(one) }
            bell.ring()
        }
    }

    /// - Parameters:
    ///   - port: of the gateway's.
    ///   - seed: chooses which webhooks and requests the faults strike.
    ///   - speed: nil waits for nothing; else webhooks wait until `gate` is opened, and then come at once.
    ///   - timekeeper: the vendor's time.
    init(
        _ vendor: String, gatewayPort port: UInt16, faults: DoubleFaults = .none, speed: Double? = nil, tls: TLSIdentity? = nil,
        timekeeper: any Timekeeper = WallClock(), seed: UInt64 = 7
    ) throws {
        self.vendor = vendor
        let values = DemoSettings.values(for: vendor) ?? [:]
        let settings = AdapterSettings(connection: ConnectionID(vendor), values: values)
        let double = try #require(VendorDoubles.double(for: vendor)).init(settings: settings, faults: faults, seed: seed)
        let news = News()
        self.news = news
        outgoing = try OutgoingHTTP(name: "vendor")
        stage = DoubleStage(
            double, faults: faults, gateway: "http://127.0.0.1:\(port)/hooks/\(vendor)\(DemoSettings.path(for: vendor))",
            over: outgoing, clock: gate, timekeeper: timekeeper, speed: speed, seed: seed, tell: news.tell)
        let server = try DoubleServer(stage, on: SocketAddress("127.0.0.1:0"), tls: tls, timekeeper: timekeeper)
        serving = Task {
            try await server.run { origin in
                news.origin.withLock { $0 = origin }
                news.bell.ring()
            }
        }
        guard news.bell.wait(until: { news.origin.withLock { $0 != nil } }) else { throw SystemFailure("no double") }
        origin = news.origin.withLock { $0 ?? "" }
    }

    deinit {
        serving.cancel()
        let (gate, outgoing, serving) = (gate, outgoing, serving)
        Task {
            gate.open()
            _ = await serving.result
            await outgoing.shutdown()
        }
    }

    /// Plays calls that nobody ordered, each at once.
    func play(_ scenarios: [Scenario], calls: Int, seed: UInt64) {
        let (stage, origin) = (stage, origin)
        Task { await stage.play(DoublePlan(scenarios, calls: calls, isMixed: true, seed: seed), origin: origin) }
    }

    /// Subscribes to Beeline's events, in the gateway's name.
    func subscribe(_ gateway: GatewayProcess) throws {
        let url = "http://127.0.0.1:\(gateway.port)/hooks/\(vendor)\(DemoSettings.path(for: vendor))"
        let port = try #require(origin.split(separator: ":").last.flatMap { UInt16($0) })
        let answer = try WireClient(port: port).exchange(
            WireRequest(
                "PUT", "/subscription", headers: ["X-MPBX-API-AUTH-TOKEN: \(DemoSettings.values(for: vendor)?["token"] ?? "")"],
                body: #"{"expires":86400,"subscriptionType":"BASIC_CALL","url":"\#(url)"}"#))
        guard answer.status == 200 else { throw SystemFailure("no subscription: \(answer.text)") }
    }

    /// Requests with that in their path, so far.
    /// - Parameter method: only those of that method.
    func requests(_ part: String, _ method: String? = nil) -> Int {
        news.all.withLock { all in
            all.count { one in
                guard case .answered(let asked, let path, _) = one else { return false }
                return path.contains(part) && (method == nil || method == asked)
            }
        }
    }

    /// What really happened in the calls that are over.
    var truths: [CallTruth] {
        news.all.withLock { $0.compactMap { if case .ended(let truth) = $0 { truth } else { nil } } }
    }

    /// Waits for something that the double does.
    /// - Returns: whether it came.
    func wait(until isDone: (VendorStand) -> Bool) -> Bool {
        news.bell.wait(within: .seconds(60)) { isDone(self) }
    }

    /// The order of a call at this vendor, in its path.
    var order: String { Self.order(at: vendor) }

    static func order(at vendor: String) -> String {
        switch vendor {
        case "beeline": "/call"
        case "megafon-vats": "makecall"
        default: "callback"
        }
    }
}

extension GatewayPremises {
    /// Writes the connection of a double, named as its vendor.
    /// - Parameter reconciles: the gateway asks the double for its log, too.
    func write(_ stand: VendorStand, origin: String? = nil, reconciles: Bool = false) throws {
        try write(vendor: stand.vendor, origin: origin ?? stand.origin, reconciles: reconciles)
    }

    func write(vendor: String, origin: String, reconciles: Bool = false) throws {
        var settings = "  base_url: \(origin)\n"
        for (name, value) in (DemoSettings.values(for: vendor) ?? [:]).sorted(by: { $0.key < $1.key }) {
            guard !["time_zone", "client_id"].contains(name) else {
                settings += "  \(name): \(value)\n"
                continue
            }
            try folder.write(value + "\n", to: "adapters.d/secrets/\(vendor)-\(name)")
            settings += "  \(name): file:secrets/\(vendor)-\(name)\n"
        }
        if vendor == "megafon-vats" { settings += "  api: v1\n" }
        try write(
            vendor,
            "adapter: \(vendor)\nenabled: true\nsettings:\n\(settings)limits: {settle_after: 1s}\nreconcile: \(reconciles)")
    }
}

/// The time of this machine.
struct WallClock: Timekeeper {
    func now() -> Instant { Instant(milliseconds: csys_realtime() / 1_000_000) }
}

/// A vendor's time: this machine's, and how far it is behind.
final class VendorClock: Timekeeper {
    private let offset: Guarded<Duration>

    init(_ offset: Duration) { self.offset = Guarded(offset) }

    func now() -> Instant { WallClock().now().advanced(by: offset.withLock { $0 }) }

    func advance(by duration: Duration) { offset.withLock { $0 += duration } }

    func set(_ duration: Duration) { offset.withLock { $0 = duration } }
}

/// A clock by which nobody waits, once it is open; before, everybody does.
final class GateClock: Clock {
    typealias Instant = ContinuousClock.Instant

    private let state = Guarded<(isOpen: Bool, waiting: [UInt64: CheckedContinuation<Void, Never>], next: UInt64)>(
        (false, [:], 0))

    var now: Instant { .now }
    var minimumResolution: Duration { .zero }

    func open() {
        let waiting = state.withLock { state in
            state.isOpen = true
            defer { state.waiting = [:] }
            return state.waiting.values
        }
        for continuation in waiting { continuation.resume() }
    }

    func sleep(until deadline: Instant, tolerance: Duration?) async throws {
        let number = state.withLock { state in
            state.next += 1
            return state.next
        }
        await withTaskCancellationHandler {
            await withCheckedContinuation { continuation in
                let isDone = state.withLock { state in
                    guard !state.isOpen, !Task.isCancelled else { return true }
                    state.waiting[number] = continuation
                    return false
                }
                if isDone { continuation.resume() }
            }
        } onCancel: {
            state.withLock { $0.waiting.removeValue(forKey: number) }?.resume()
        }
    }
}
