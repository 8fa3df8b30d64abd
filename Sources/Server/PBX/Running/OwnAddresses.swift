import CSystem
import Glibc
import Network

/// Which of this machine's addresses another one sees, where a socket is bound to all of them: what the system's routes say.
struct OwnAddresses {
    private var known: [IPAddress: IPAddress] = [:]
    private static let limit = 4096

    /// Asked of the system once for each address; nothing is sent.
    mutating func address(toward remote: IPAddress) -> IPAddress {
        if let address = known[remote] { return address }
        let address = Self.ask(remote) ?? (remote.isV4 ? .loopbackV4 : .loopbackV6)
        if known.count >= Self.limit { known.removeAll(keepingCapacity: true) }
        known[remote] = address
        return address
    }

    /// A UDP socket that is connected has the address that it would send from.
    private static func ask(_ remote: IPAddress) -> IPAddress? {
        let descriptor = csys_udp_socket(remote.isV4 ? 0 : 1)
        guard descriptor >= 0 else { return nil }
        defer { Glibc.close(descriptor) }
        var system = SocketAddress(remote, port: 9).system
        guard csys_connect(descriptor, &system) == 0, csys_local_address(descriptor, &system) == 0 else { return nil }
        return SocketAddress(system).ip
    }
}
