import Connector
import Foundation
import Network
import NetworkTypes
import SIP
import TestSupport

/// A gateway with a PBX, and those who call it: everything on sockets of the loopback.
final class SIPStand {
    let premises: GatewayPremises
    let key: String
    private(set) var gateway: GatewayProcess
    private(set) var crm: CRMClient
    private(set) var peers: [SIPPeer] = []
    private let folder: TemporaryFolder
    /// The settings of the PBX's connection, `listen` aside.
    static let people = """
        lines:
          "+79000000030": {label: "site", channel: "yandex-direct"}
        employees:
          "101": {name: "Anna", crm_id: "23"}
          "102": {name: "Boris", crm_id: "24"}
        limits: {stale_after: 3650d}
        """

    /// - Parameters:
    ///   - plan: the section `pbx`, its lines indented by two.
    ///   - trunks: more connections' files.
    init(plan: String, trunks: [(name: String, text: String)] = []) throws {
        folder = try TemporaryFolder()
        try folder.write("recordings: {at_once: 2}\n", to: "kommutator.yaml")
        premises = try GatewayPremises(options: ["--config", folder.path + "/kommutator.yaml"])
        for secret in ["101", "102", "trunk"] {
            try premises.folder.write("secret-\(secret)\n", to: "adapters.d/secrets/\(secret)")
        }
        try premises.write("office", Self.office(plan))
        for trunk in trunks { try premises.write(trunk.name, trunk.text) }
        key = try premises.makeKey(scope: "read,command,admin")
        gateway = try premises.open()
        crm = try CRMClient(gateway, key: key)
    }

    static func office(_ plan: String, port: UInt16 = 0) -> String {
        """
        adapter: pbx
        enabled: true
        settings: {listen: "udp:127.0.0.1:\(port)"}
        \(people)
        pbx:
        \(plan)
        """
    }

    /// Starts the gateway anew, after its process is gone.
    func reopen() throws {
        gateway = try premises.open()
        crm = try CRMClient(gateway, key: key)
    }

    func peer(_ host: String = "127.0.0.1") throws -> SIPPeer {
        let peer = try SIPPeer(host)
        peers.append(peer)
        return peer
    }

    func add(_ peer: SIPPeer) { peers.append(peer) }

    /// A telephone that is registered.
    func phone(_ short: String, at pbx: SocketAddress) throws -> SIPPeer {
        let peer = try peer()
        try peer.register(short, password: "secret-\(short)", at: pbx)
        try until("\(short) is registered") { peer.isRegistered }
        return peer
    }

    /// Where the PBX listens; waits until it does.
    func address() throws -> SocketAddress {
        var found: SocketAddress?
        try until("the PBX listens") {
            let text = String(decoding: try crm.json("/connections/office").encoded, as: UTF8.self)
            guard let start = text.firstRange(of: "listens on udp:")?.upperBound else { return false }
            found = try? SocketAddress(String(text[start...].prefix { $0.isNumber || $0 == "." || $0 == ":" }))
            return found != nil
        }
        guard let found else { throw SystemFailure("no address") }
        return found
    }

    // MARK: Waiting

    /// Moves everybody until the condition holds; bounded.
    func until(_ what: String, within patience: Duration = .seconds(15), _ condition: () throws -> Bool) throws {
        let end = MonotonicInstant.now.advanced(by: patience)
        while true {
            for peer in peers { peer.turn() }
            if try condition() { return }
            guard MonotonicInstant.now < end else {
                let calls = (try? crm.get("/calls"))?.text ?? ""
                throw SystemFailure("waited in vain until \(what): \(calls)\n\(gateway.log.text)")
            }
            // 10 ms, or something that came.
            var watched = peers.map { pollfd(fd: $0.socket.descriptor, events: Int16(POLLIN), revents: 0) }
            _ = poll(&watched, nfds_t(watched.count), 10)
        }
    }

    /// Lets everybody talk until so many packets more have been heard by each of them.
    func talk(_ calls: [PeerCall], packets: Int = 60) throws {
        let wanted = calls.map { $0.packetCount + packets }
        try until("both are heard") { zip(calls, wanted).allSatisfy { $0.packetCount >= $1 } }
    }

    /// The call log's calls, the newest first, when the condition holds.
    @discardableResult
    func calls(_ what: String, when condition: ([JSONValue]) -> Bool) throws -> [JSONValue] {
        var calls: [JSONValue] = []
        try until(what) {
            calls = try crm.json("/calls?limit=200")["calls"]?.elements ?? []
            return condition(calls)
        }
        return calls
    }

    /// The one call there is, when it is over and its recording, where one is awaited, is in the store.
    func oneCall(recorded: Bool = false) throws -> JSONValue {
        let calls = try calls("the call is over") { calls in
            calls.count == 1 && calls[0]["state"]?.string == "ended"
                && (!recorded || calls[0]["recordings"]?[0]?["status"]?.string == "available")
        }
        return calls[0]
    }

    func recording(of call: JSONValue) throws -> Sound? {
        guard let id = call["id"]?.string, let name = call["recordings"]?[0]?["id"]?.string else { return nil }
        return Sound(wav: try crm.get("/calls/\(id)/recordings/\(name)/media").body)
    }

    /// What the PBX has not handed over to the store.
    var leftRecordings: [String] { get throws { try FileManager.default.contentsOfDirectory(atPath: premises.data + "/pbx") } }

    // MARK: Orders

    /// - Returns: where it is told what became of it.
    func order(_ target: String, _ body: String) throws -> String {
        let answer = try crm.post(target, ["Idempotency-Key: \(UInt64.random(in: .min ... .max))"], body: body)
        guard answer.status == 202, let place = answer.header("Location") else {
            throw SystemFailure("\(target) was answered \(answer.status): \(answer.text)")
        }
        return String(place.dropFirst("/api/v1".count))
    }
}
