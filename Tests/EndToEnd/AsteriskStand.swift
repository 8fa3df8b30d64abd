import Connector
import DoubleServer
import Network
import TestSupport
import Testing
import VendorSimulators

/// An Asterisk's double in the test's own process, behind its manager interface's socket.
final class AsteriskStand: Sendable {
    /// Of the gateway's connection with it.
    let name: String
    let server: AsteriskDoubleServer
    private let news: Guarded<[AsteriskNews]>
    private let bell: Bell

    init(_ name: String, seed: UInt64 = 1, playing plan: DoublePlan? = nil, _ change: (inout AsteriskOptions) -> Void = { _ in })
        throws
    {
        self.name = name
        var options = AsteriskOptions(users: [AsteriskOptions.User(name: "gateway", secret: "hush")])
        change(&options)
        let (news, bell) = (Guarded<[AsteriskNews]>([]), Bell())
        (self.news, self.bell) = (news, bell)
        server = try AsteriskDoubleServer(
            AsteriskDouble(options, seed: seed, at: WallClock().now()), on: SocketAddress(.loopbackV4, port: 0),
            faults: options.faults, playing: plan, timekeeper: WallClock()
        ) { one in
            news.withLock { $0.append(one) }
            bell.ring()
        }
        try server.start()
    }

    deinit {
        Task { [server] in await server.shutdown() }
    }

    /// What really happened in the calls that are over, under this connection's name.
    var truths: [CallTruth] {
        news.withLock { all in
            all.compactMap { one in
                guard case .ended(var truth) = one else { return nil }
                truth.adapter = name
                return truth
            }
        }
    }

    var connections: Int { news.withLock { $0.count { if case .connected = $0 { true } else { false } } } }

    /// Begins calls, all at once.
    func begin(_ scenarios: [Scenario], calls: Int, seed: UInt64) {
        let plan = DoublePlan(scenarios, calls: calls, isMixed: true, seed: seed)
        server.change { double, now in
            for number in 0..<calls {
                let call = plan.call(number)
                double.begin(call.scenario, seed: call.seed, at: now)
            }
        }
    }

    /// - Returns: when it was, by the clock of its calls; nil where it has not come to it within a minute.
    func restart() -> Instant? {
        let moment = Guarded<Instant?>(nil)
        server.change { [bell] double, _ in
            let at = double.restart()
            moment.withLock { $0 = at }
            bell.ring()
        }
        _ = bell.wait(within: .seconds(60)) { moment.withLock { $0 != nil } }
        return moment.withLock { $0 }
    }

    /// - Returns: whether it came.
    func wait(until isDone: (AsteriskStand) -> Bool) -> Bool { bell.wait(within: .seconds(60)) { isDone(self) } }
}

extension GatewayPremises {
    /// Writes the connection with a double.
    func write(_ stand: AsteriskStand, contexts: String = "internal") throws {
        try folder.write("hush\n", to: "adapters.d/secrets/\(stand.name)")
        try write(
            stand.name,
            """
            adapter: asterisk
            enabled: true
            settings:
              host: 127.0.0.1
              port: "\(stand.server.address.port)"
              username: gateway
              secret: file:secrets/\(stand.name)
              contexts: [\(contexts)]
              recordings_url: http://127.0.0.1:1/monitor/{file}
            limits: {settle_after: 1s}
            employees:
              "109": {name: "Anna", crm_id: "17"}
            """)
    }
}
