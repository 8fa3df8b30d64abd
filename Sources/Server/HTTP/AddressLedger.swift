import Network
import Synchronization

/// How many connections each address has, over all loops.
final class AddressLedger: Sendable {
    private let counts = Mutex<[IPAddress: Int]>([:])
    private let cap: Int
    private let exempt: [IPNetwork]

    init(_ limits: HTTPLimits) {
        cap = limits.connectionsPerAddress
        exempt = limits.addressCapExemptions
    }

    /// Counts a connection in; false when its address has all it may have.
    func admit(_ address: IPAddress) -> Bool {
        guard !isExempt(address) else { return true }
        return counts.withLock { counts in
            let count = counts[key(address), default: 0]
            guard count < cap else { return false }
            counts[key(address)] = count + 1
            return true
        }
    }

    func release(_ address: IPAddress) {
        guard !isExempt(address) else { return }
        counts.withLock { counts in
            let count = counts[key(address), default: 0]
            counts[key(address)] = count > 1 ? count - 1 : nil
        }
    }

    private func isExempt(_ address: IPAddress) -> Bool { exempt.contains { $0.contains(address) } }

    /// One customer has a whole IPv6 /64.
    private func key(_ address: IPAddress) -> IPAddress { address.isV4 ? address : address.masked(to: 64) }
}
