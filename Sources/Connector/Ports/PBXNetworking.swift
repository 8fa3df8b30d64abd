/// Where a PBX speaks, by the `settings:` of its connection.
package struct PBXNetworking: Sendable, Equatable {
    /// Where SIP is spoken.
    package struct Entrance: Hashable, Sendable {
        package var transport: TrunkAccount.Registrar.Transport
        /// An IP address as digits; `0.0.0.0` and `::` stand for all of this machine's.
        package var address: String
        package var port: UInt16

        package init(_ transport: TrunkAccount.Registrar.Transport, _ address: String, _ port: UInt16) {
            self.transport = transport
            self.address = address
            self.port = port
        }
    }

    package var entrances: [Entrance]
    /// By which others reach us, where a NAT stands before this machine.
    package var publicAddress: String?
    /// Networks that are reached without the NAT, as addresses or in CIDR form.
    package var localNetworks: [String]
    package var mediaPorts: ClosedRange<UInt16>
    /// What the `User-Agent` and `Server` fields say; `nil` leaves them out.
    package var userAgent: String?

    package static let standardMediaPorts: ClosedRange<UInt16> = 10_000...19_999

    /// - Throws: `SettingsError`. Whether the addresses are this machine's shows when it listens.
    package init(_ values: [String: String]) throws(SettingsError) {
        entrances = try Self.entrances(SettingWords.read(values["listen"]))
        publicAddress = try Self.publicAddress(values["public_address"])
        localNetworks = SettingWords.read(values["local_networks"])
        mediaPorts = try Self.ports(values["rtp_ports"])
        userAgent = try Self.userAgent(values["user_agent"])
    }

    // MARK: Reading

    /// `udp:0.0.0.0:5060`, `tcp:[::]:5060`; without a transport, both. Port 0 takes a free one, which the connection's state tells.
    private static func entrances(_ words: [String]) throws(SettingsError) -> [Entrance] {
        let all = words.isEmpty ? ["0.0.0.0:5060"] : words
        var entrances: [Entrance] = []
        for word in all {
            let named = TrunkAccount.Registrar.Transport.allCases.first { word.hasPrefix($0.rawValue + ":") }
            let rest = named.map { word.dropFirst($0.rawValue.count + 1) } ?? word[...]
            guard let (address, port) = HostAndPort.read(rest, isBound: true), let port, isAddress(address) else {
                throw SettingsError(
                    setting: "listen", problem: "has an entry that is no address and port",
                    hint: "write udp:0.0.0.0:5060, tcp:[::]:5060, or 0.0.0.0:5060 for both")
            }
            for transport in named.map({ [$0] }) ?? TrunkAccount.Registrar.Transport.allCases {
                let entrance = Entrance(transport, address, port)
                if !entrances.contains(entrance) { entrances.append(entrance) }
            }
        }
        guard entrances.count <= 16 else {
            throw SettingsError(setting: "listen", problem: "has too many entries", hint: "16 are the limit")
        }
        return entrances
    }

    private static func publicAddress(_ text: String?) throws(SettingsError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard HostAndPort.isHost(text) else {
            throw SettingsError(
                setting: "public_address", problem: "is neither an address nor a name",
                hint: "write the address by which the internet knows this machine, without a port")
        }
        return text
    }

    /// `10000-19999`: from an even port on, for RTP has the even ones and RTCP the odd (RFC 3550 §11).
    private static func ports(_ text: String?) throws(SettingsError) -> ClosedRange<UInt16> {
        guard let text, !text.isEmpty else { return standardMediaPorts }
        let ends = text.split(separator: "-", omittingEmptySubsequences: false).map { UInt16($0) }
        guard ends.count == 2, let first = ends[0], let last = ends[1], first >= 1024, first % 2 == 0, last > first,
            last - first >= 19
        else {
            throw SettingsError(
                setting: "rtp_ports", problem: "is no range of ports",
                hint: "write 10000-19999: two ports a leg, 20 at least, the first even and 1024 or more")
        }
        return first...last
    }

    private static func userAgent(_ text: String?) throws(SettingsError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard text.utf8.count <= 64, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) }) else {
            throw SettingsError(
                setting: "user_agent", problem: "cannot be sent", hint: "64 plain characters at most; absent, nothing is told")
        }
        return text
    }

    private static func isAddress(_ text: String) -> Bool {
        text.contains(":")
            || text.split(separator: ".").count == 4 && text.utf8.allSatisfy { $0 == 0x2E || (0x30...0x39).contains($0) }
    }
}

/// The words of a setting of kind `.list`, however it was written.
package enum SettingWords {
    /// A list that YAML wrote as one comes as JSON; what is no JSON was written with commas.
    package static func read(_ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        if text.hasPrefix("["), let list = try? JSONValue(parsing: text) { return list.elements.compactMap(\.string) }
        return text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    }
}

/// A host, and perhaps a port behind it: `sip.example:5060`, `192.0.2.1`, `[2001:db8::1]:5060`.
package enum HostAndPort {
    /// `nil` for what is none. An IPv6 address needs its brackets; they are left out of what comes back.
    /// - Parameter isBound: whether we listen there, so that port 0 has a meaning.
    package static func read(_ text: some StringProtocol, isBound: Bool = false) -> (host: String, port: UInt16?)? {
        if text.hasPrefix("[") {
            let parts = text.dropFirst().split(separator: "]", maxSplits: 1, omittingEmptySubsequences: false)
            guard parts.count == 2, isIPv6(parts[0]) else { return nil }
            if parts[1].isEmpty { return (String(parts[0]), nil) }
            guard parts[1].hasPrefix(":"), let port = port(parts[1].dropFirst(), isBound) else { return nil }
            return (String(parts[0]), port)
        }
        let parts = text.split(separator: ":", omittingEmptySubsequences: false)
        guard let host = parts.first, parts.count <= 2, isHost(host) else { return nil }
        guard parts.count == 2 else { return (String(host), nil) }
        guard let port = port(parts[1], isBound) else { return nil }
        return (String(host), port)
    }

    /// A name, an IPv4 address, or an IPv6 address without brackets.
    package static func isHost(_ text: some StringProtocol) -> Bool {
        if text.contains(":") { return isIPv6(text) }
        guard (1...253).contains(text.utf8.count), text.utf8.first != 0x2E, text.utf8.first != 0x2D else { return false }
        return text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte) || byte == 0x2D
                || byte == 0x2E || byte == 0x5F
        }
    }

    /// By its characters alone: whoever uses it reads it whole.
    private static func isIPv6(_ text: some StringProtocol) -> Bool {
        (2...45).contains(text.utf8.count) && text.utf8.count { $0 == 0x3A } >= 2
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x46).contains(byte & 0xDF) || byte == 0x3A || byte == 0x2E
            }
    }

    private static func port(_ text: some StringProtocol, _ allowsZero: Bool) -> UInt16? {
        guard (1...5).contains(text.utf8.count), let port = UInt16(text), port > 0 || allowsZero else { return nil }
        return port
    }
}
