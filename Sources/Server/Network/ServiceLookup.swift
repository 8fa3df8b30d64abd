import CSystem

/// One host that offers a service, as its domain's SRV records say (RFC 2782).
package struct ServiceHost: Hashable, Sendable {
    package var host: String
    package var port: UInt16
    /// Lower is tried first.
    package var priority: UInt16
    package var weight: UInt16
    /// For how long the record may be kept, in seconds.
    package var seconds: UInt32

    package init(host: String, port: UInt16, priority: UInt16, weight: UInt16, seconds: UInt32) {
        self.host = host
        self.port = port
        self.priority = priority
        self.weight = weight
        self.seconds = seconds
    }

    private static let maximumHosts = 16

    /// The hosts of `_sip._udp.example.org`, in the order in which they are to be tried; empty where there are no such records. Asks the
    /// system's resolver and blocks as long as that does.
    /// - Throws: `NetworkError` where the resolver does not answer.
    package static func lookUp(_ service: String) throws(NetworkError) -> [ServiceHost] {
        var found = [csys_service](repeating: csys_service(), count: maximumHosts)
        let count = csys_look_up_service(service, &found, Int32(found.count))
        guard count >= 0 else {
            throw NetworkError(.invalidAddress, "\(service): the resolver does not answer", hint: "check /etc/resolv.conf")
        }
        var random = SystemRandomNumberGenerator()
        return ordered(found.prefix(Int(count)).map(ServiceHost.init), using: &random)
    }

    private init(_ record: csys_service) {
        var record = record
        let host = withUnsafeBytes(of: &record.host) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
        self.init(
            host: host, port: record.port, priority: record.priority, weight: record.weight, seconds: record.seconds)
    }

    /// By priority; among equals by chance, the heavier the sooner (RFC 2782, "Usage rules").
    package static func ordered(_ hosts: [ServiceHost], using random: inout some RandomNumberGenerator) -> [ServiceHost] {
        var rest = hosts.filter { !$0.host.isEmpty && $0.host != "." }.sorted {
            ($0.priority, $0.weight) < ($1.priority, $1.weight)
        }
        var ordered: [ServiceHost] = []
        while let priority = rest.first?.priority {
            let equals = rest.prefix { $0.priority == priority }
            var chance = Int.random(in: 0...equals.reduce(0) { $0 + Int($1.weight) }, using: &random)
            let place = equals.firstIndex { host in
                chance -= Int(host.weight)
                return chance <= 0
            }
            ordered.append(rest.remove(at: place ?? 0))
        }
        return ordered
    }
}
