import Network

/// Which peers are proxies of ours, and who stands behind them: what `X-Forwarded-For` says counts from these peers alone.
///
/// Each proxy appends the address it was called from, so the list is read from its right end: addresses of proxies of ours are
/// passed over, the first other one is the client. What stands further left, the client may have written itself.
package struct ProxyTrust: Sendable {
    /// A longer way through proxies of ours than anybody has; the rest of the list is not looked at.
    private static let maximumHops = 16

    private let networks: [IPNetwork]

    /// - Parameter networks: those of our proxies; with none, nobody is believed.
    package init(_ networks: [IPNetwork] = []) { self.networks = networks }

    /// The address a request came from. Costs nothing where there are no proxies.
    package func client(of head: borrowing RequestHead) -> IPAddress {
        guard trusts(head.peer.ip) else { return head.peer.ip }
        var walk = Walk(at: head.peer.ip)
        for index in stride(from: head.headerCount - 1, through: 0, by: -1) where !walk.isOver {
            let (name, value) = head.header(at: index)
            if name.equals(ignoringCase: "x-forwarded-for") { follow(value, &walk) }
        }
        return walk.address
    }

    /// The address a request came from.
    package func client(of request: HTTPRequest) -> IPAddress {
        guard trusts(request.peer.ip) else { return request.peer.ip }
        var walk = Walk(at: request.peer.ip)
        for value in request.headers.values(of: "X-Forwarded-For").reversed() where !walk.isOver {
            Array(value.utf8).withUnsafeBytes { follow(ByteView($0), &walk) }
        }
        return walk.address
    }

    private func trusts(_ address: IPAddress) -> Bool { networks.contains { $0.contains(address) } }

    // MARK: Walking back

    /// How far back the way of a request is known.
    private struct Walk {
        /// The farthest that somebody we trust has named.
        var address: IPAddress
        var hops = 0
        /// A client was found, or something that is no address: nobody knows what lies behind that.
        var isOver = false

        init(at peer: IPAddress) { address = peer }
    }

    /// Goes through one header's list from its right end.
    private func follow(_ list: ByteView, _ walk: inout Walk) {
        var end = list.count
        while end >= 0, !walk.isOver {
            var start = end
            while start > 0, list[start - 1] != .comma { start -= 1 }
            step(to: list[start..<end], &walk)
            end = start - 1
        }
    }

    private func step(to entry: ByteView, _ walk: inout Walk) {
        walk.hops += 1
        guard walk.hops <= Self.maximumHops, let address = Self.address(in: entry) else {
            walk.isOver = true
            return
        }
        walk.address = address
        walk.isOver = !trusts(address)
    }

    /// Reads `1.2.3.4`, `1.2.3.4:5678`, `2001:db8::1`, `[2001:db8::1]` or `[2001:db8::1]:5678`, with blanks around it.
    private static func address(in entry: ByteView) -> IPAddress? {
        // Nothing that is an address is longer: a name of 45 characters, brackets, a port, some blanks.
        guard entry.count <= 64 else { return nil }
        let text = entry.trimmed.string
        if text.first == "[" {
            return text.firstIndex(of: "]").flatMap { IPAddress(text[text.index(after: text.startIndex)..<$0]) }
        }
        if let address = IPAddress(text) { return address }
        return text.firstIndex(of: ":").flatMap { IPAddress(text[..<$0]) }
    }
}
