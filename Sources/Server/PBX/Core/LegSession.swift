import Connector
import Media
import NetworkTypes
import SIP

/// The session with one leg: what we say of our side, and what was agreed on.
///
/// Each leg has a description of its own: nothing of the other side's is passed on (sip.md "Pitfalls" 5). `o=` counts a version further
/// only where the text changes.
struct LegSession {
    let port: MediaPort
    private var local: SDPLocal
    private let flow: SIPFlow
    /// What we said last.
    private(set) var text: [UInt8] = []
    private(set) var agreement: SDPAgreement?
    /// How keys go to the peer.
    let keys: TrunkAccount.Keys

    /// - Parameter seenAt: our address as the peer knows it.
    init(_ port: MediaPort, seenAt address: IPAddress, flow: SIPFlow, _ habits: SoundHabits, chance: UInt64) {
        self.port = port
        self.flow = flow
        local = SDPLocal(address: address, port: port.local.port, sessionID: chance >> 16)
        local.codecs = habits.codecs
        if habits.keys != .events { local.eventType = nil }
        keys = habits.keys
    }

    var isAgreed: Bool { agreement != nil }
    var codecName: String? { agreement?.codec.name }
    var isHeldByPeer: Bool { agreement?.isHeldByPeer ?? false }

    /// Our offer.
    mutating func offer() -> [UInt8] {
        say(SDPNegotiation.offer(local)) { SDPNegotiation.offer($0) }
        return text
    }

    /// Our answer to the peer's offer.
    /// - Throws: what makes it a 488.
    mutating func answer(_ offer: [UInt8]) throws(SDPError) -> [UInt8] {
        let offer = try SDP(offer)
        let (answer, agreement) = try SDPNegotiation.answer(offer, local)
        // The same offer was answered: with the next version it still is.
        say(answer) { (try? SDPNegotiation.answer(offer, $0).text) ?? answer }
        self.agreement = agreement
        return text
    }

    mutating func accept(_ answer: [UInt8]) throws(SDPError) { agreement = try SDPNegotiation.accept(try SDP(answer), local) }

    private mutating func say(_ next: [UInt8], again: (SDPLocal) -> [UInt8]) {
        guard next != text else { return }
        if !text.isEmpty {
            local.version &+= 1
            text = again(local)
        } else {
            text = next
        }
    }

    /// What the media plane is told; nil until something is agreed on.
    var terms: MediaTerms? {
        guard let agreement else { return nil }
        let codec = AudioCodec(
            name: agreement.codec.name, clockRate: agreement.codec.clockRate, channels: agreement.codec.channels)
        return MediaTerms(
            remote: agreement.remote, codec: codec, payloadTypeIn: agreement.payloadTypeIn,
            payloadTypeOut: agreement.payloadTypeOut,
            eventTypeIn: agreement.eventTypeIn, eventTypeOut: agreement.eventTypeOut, signallingSource: flow.remote.ip,
            isBehindNAT: isBehindNAT(agreement), remoteRTCP: agreement.remoteRTCP, maySend: agreement.direction.sends,
            mayReceive: agreement.direction.receives,
            listensForKeys: agreement.eventTypeIn == nil && codec.isUnderstood && keys != .info, takesKeyTones: keys != .info)
    }

    /// Its sound is to come from where its signalling does not: an address between us was translated.
    private func isBehindNAT(_ agreement: SDPAgreement) -> Bool {
        guard let remote = agreement.remote else { return false }
        return remote.ip != flow.remote.ip && remote.ip.isPrivate
    }
}

extension IPAddress {
    /// RFC 1918, RFC 6598, RFC 4193 and link-local: an address that means something only where it is.
    var isPrivate: Bool { Self.privateNetworks.contains { $0.contains(self) } }

    private static let privateNetworks = [
        "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "169.254.0.0/16", "fc00::/7", "fe80::/10",
    ].compactMap { IPNetwork($0) }
}
