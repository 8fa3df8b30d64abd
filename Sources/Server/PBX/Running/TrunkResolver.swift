import Connector
import Network
import SIP
import Threading

/// Where a trunk is: whom to send to, in which order, and whose calls are its.
struct TrunkPlaces: Sendable, Equatable {
    var targets: [SIPFlow]
    var sources: [IPNetwork]
    /// Ours as its provider reaches us, where that is not the PBX's.
    var publicAddress: IPAddress?
}

/// Finds the addresses of trunks (RFC 3263): SRV records where no port is given, addresses of names. Each question has a thread of its
/// own, because the system's resolver waits.
struct TrunkResolver: Sendable {
    struct Failure: Error, CustomStringConvertible {
        let reason: String
        var description: String { reason }
    }

    func find(_ account: TrunkAccount) async -> Result<TrunkPlaces, Failure> { await ask { Self.places(of: account) } }

    /// The first address of a host.
    func address(of host: String) async -> Result<IPAddress, Failure> { await ask { Self.address(of: host) } }

    private func ask<Found: Sendable>(
        _ work: @escaping @Sendable () -> Result<Found, Failure>
    ) async -> Result<Found, Failure> {
        await withCheckedContinuation { continuation in
            do {
                _ = try SystemThread(named: "look-up") { continuation.resume(returning: work()) }
            } catch {
                continuation.resume(returning: .failure(Failure(reason: "no thread for the resolver: \(error)")))
            }
        }
    }

    private static func places(of account: TrunkAccount) -> Result<TrunkPlaces, Failure> {
        var targets: [SIPFlow] = []
        var reason = "no registrar is given"
        for registrar in account.registrars {
            do {
                for target in try Self.targets(of: registrar) where !targets.contains(target) { targets.append(target) }
            } catch {
                reason = "\(error)"
            }
        }
        guard !targets.isEmpty else { return .failure(Failure(reason: reason)) }
        var sources: [IPNetwork] = []
        for source in account.sources {
            if let network = IPNetwork(source) {
                sources.append(network)
            } else if let found = try? SocketAddress.lookUp(source, port: 0) {
                sources += found.compactMap { IPNetwork("\($0.ip)") }
            }
        }
        var places = TrunkPlaces(targets: Array(targets.prefix(16)), sources: sources)
        guard let name = account.publicAddress else { return .success(places) }
        return address(of: name).map { address in
            places.publicAddress = address
            return places
        }
    }

    private static func address(of host: String) -> Result<IPAddress, Failure> {
        do {
            guard let found = try SocketAddress.lookUp(host, port: 0).first else {
                return .failure(Failure(reason: "\(host): no address"))
            }
            return .success(found.ip)
        } catch {
            return .failure(Failure(reason: "\(error)"))
        }
    }

    private static func targets(of registrar: TrunkAccount.Registrar) throws -> [SIPFlow] {
        let transport: SIPFlow.Transport = registrar.transport == .tcp ? .tcp : .udp
        if registrar.port == nil, IPAddress(registrar.host) == nil {
            let hosts = try ServiceHost.lookUp("_sip._\(transport == .tcp ? "tcp" : "udp").\(registrar.host)")
            let found = hosts.flatMap { host in (try? SocketAddress.lookUp(host.host, port: host.port)) ?? [] }
            if !found.isEmpty { return found.map { SIPFlow(transport: transport, remote: $0) } }
        }
        return try SocketAddress.lookUp(registrar.host, port: registrar.port ?? 5060).map {
            SIPFlow(transport: transport, remote: $0)
        }
    }
}
