import CSystem
import Glibc

extension SocketAddress {
    private static let maximumAddresses = 8

    /// The addresses of a host; of a literal address only itself. Asks the system's resolver and blocks as long as that does.
    /// - Throws: `NetworkError` naming the host.
    package static func lookUp(_ host: String, port: UInt16) throws(NetworkError) -> [SocketAddress] {
        if let ip = IPAddress(host) { return [SocketAddress(ip, port: port)] }
        var found = [csys_address](repeating: csys_address(), count: maximumAddresses)
        let count = csys_look_up(host, &found, Int32(found.count))
        guard count > 0 else {
            let reason = count < 0 ? String(cString: gai_strerror(count)) : "no address"
            throw NetworkError(.invalidAddress, "\(host): \(reason)", hint: "check the name and its DNS entry")
        }
        return found.prefix(Int(count)).map { SocketAddress(SocketAddress($0).ip, port: port) }
    }
}
