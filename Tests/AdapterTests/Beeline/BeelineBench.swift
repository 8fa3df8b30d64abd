import BeelineAdapter
import Connector

/// A Beeline connection to try requests on: puts calls into envelopes and reads them.
struct BeelineBench {
    static let values = ["token": "00000000-1111-4222-8333-444444444444"]

    let adapter: BeelineAdapter

    init() throws {
        adapter = try BeelineAdapter(settings: AdapterSettings(connection: ConnectionID("beeline"), values: Self.values))
    }

    static let now = Instant(unixSeconds: 1_793_603_800)
    static let start = Instant(unixSeconds: 1_793_603_720)

    func raw(_ body: String, method: String = "POST", path: String = "") -> RawRecord {
        RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("beeline"), receivedAt: Self.now, method: method, path: path,
            body: Array(body.utf8))
    }

    func authenticate(_ body: String, method: String = "POST") -> Authentication {
        raw(body, method: method).withRequest { adapter.makeAuthenticator().authenticate($0) }
    }

    func decode(_ body: String, path: String = "/company") -> [Decoded] { adapter.makeDecoder().decode(raw(body, path: path)) }

    /// An event of 21's telephone.
    func decode(
        _ type: String, _ data: String, envelope: String = "<targetId>9000000021@ip.beeline.ru</targetId>",
        path: String = "/company"
    ) -> [Decoded] {
        decode(
            "<Event><eventID>E</eventID><subscriptionId>S</subscriptionId>\(envelope)"
                + "<eventData type='\(type)'>\(data)</eventData></Event>", path: path)
    }

    /// The elements that every half has: somebody calls 21.
    static let terminator = """
        <callId>callhalf-1:0</callId><extTrackingId>T</extTrackingId><personality>Terminator</personality>\
        <startTime>1793603720000</startTime>
        """
    static let originator = terminator.replacing("Terminator", with: "Originator")
    static let client = "<remoteParty><address>tel:+79000000101</address><callType>Network</callType></remoteParty>"

    func event(_ type: String, _ call: String, _ remote: String = client) -> CallEvent? {
        for case .call(let event) in decode(type, "<call>\(call)\(remote)</call>") { return event }
        return nil
    }
}
