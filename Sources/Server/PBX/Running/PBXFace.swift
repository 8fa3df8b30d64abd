import Network
import SIP

/// How the PBX names itself to whom: addresses of Via and Contact, and where its sound is.
///
/// Confined to the signalling loop.
final class PBXFace {
    private let settings: PBXSettings
    private unowned let transport: SIPTransport
    private var own = OwnAddresses()
    /// Ours as a trunk's provider reaches us, by the provider's address, where the trunk says so.
    var reachedAs: [IPAddress: IPAddress] = [:]

    init(settings: PBXSettings, transport: SIPTransport) {
        self.settings = settings
        self.transport = transport
    }

    /// This machine's address at this end of a flow.
    func localAddress(_ flow: SIPFlow) -> IPAddress {
        guard let bound = transport.localAddress(of: flow)?.ip, bound != IPAddress(v4: 0), bound != IPAddress(high: 0, low: 0)
        else {
            return own.address(toward: flow.remote.ip)
        }
        return bound
    }

    /// The address by which the other end of a flow reaches us.
    func advertised(_ flow: SIPFlow) -> IPAddress {
        if let address = reachedAs[flow.remote.ip] { return address }
        let isLocal = settings.localNetworks.contains { $0.contains(flow.remote.ip) } || flow.remote.ip.isLoopback
        if !isLocal, let address = settings.publicAddress { return address }
        return localAddress(flow)
    }

    /// Our listening port of that transport: what a peer calls back.
    private func port(_ flow: SIPFlow) -> UInt16? {
        if flow.transport == .udp { return transport.localAddress(of: flow)?.port }
        return transport.addresses.first { $0.transport == flow.transport }?.address.port
    }

    func sentBy(_ flow: SIPFlow) -> (host: String, port: UInt16?) { (host(flow), port(flow)) }

    func contact(_ flow: SIPFlow) -> [UInt8] {
        let port = port(flow).map { ":\($0)" } ?? ""
        let transport = flow.transport == .udp ? "" : ";transport=tcp"
        return Array("<sip:\(host(flow))\(port)\(transport)>".utf8)
    }

    /// As a host of a URI.
    func host(_ flow: SIPFlow) -> String {
        let address = advertised(flow)
        return address.isV4 ? address.description : "[\(address)]"
    }
}
