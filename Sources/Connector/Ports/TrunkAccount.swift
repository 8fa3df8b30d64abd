/// An account at a provider of SIP trunks, as the PBX needs it: who we are there, where, and by which habits.
package struct TrunkAccount: Sendable, Equatable {
    /// Where its calls are sent and where it registers. Without a port, SRV records of the name tell (RFC 3263), else 5060.
    package struct Registrar: Hashable, Sendable {
        package enum Transport: String, Sendable, CaseIterable { case udp, tcp }

        /// A name, or an IP address as digits.
        package var host: String
        package var port: UInt16?
        /// `nil` where the name's records may tell; UDP where they do not.
        package var transport: Transport?

        package init(host: String, port: UInt16? = nil, transport: Transport? = nil) {
            self.host = host
            self.port = port
            self.transport = transport
        }
    }

    /// How numbers are written in the addresses that the provider is sent.
    package enum NumberForm: String, Sendable, CaseIterable {
        /// `+79000000101`.
        case plus
        /// `79000000101`.
        case digits
        /// As the country dials at home: `89000000101`.
        case national
    }

    /// Who calls, in the address that the provider is sent.
    package enum CallerForm: String, Sendable, CaseIterable {
        /// The account, whatever line is shown: the provider refuses others.
        case account
        /// The line that is to be shown.
        case line
        /// The account in From, the line in P-Asserted-Identity (RFC 3325).
        case asserted
    }

    /// How keys are sent on.
    package enum Keys: String, Sendable, CaseIterable {
        /// RFC 4733, where the other side takes it.
        case events = "rfc4733"
        case info
        case inband
    }

    package enum Codec: String, Sendable, CaseIterable { case pcma, pcmu }

    package var id: TrunkID
    /// The user part of our address.
    package var login: String
    /// For the digest.
    package var authUser: String
    package var password: String
    /// The domain of our address.
    package var domain: String
    /// In the order in which they are tried; at least one.
    package var registrars: [Registrar]
    /// Whether it registers. A trunk by address alone is known by where its calls come from.
    package var registers = true
    /// Addresses, networks and names from which its calls come, beside its registrars' own addresses.
    package var sources: [String] = []
    /// Our numbers on it, as written; the first is shown where nothing else says which.
    package var numbers: [String] = []
    /// For how long a registration is asked; what is granted counts.
    package var expires = Duration.seconds(600)
    /// When it is renewed, in percent of what was granted.
    package var refreshPercent = 60
    /// How often the way through a NAT is kept open; `nil` never.
    package var keepAlive: Duration? = .seconds(25)
    /// In our order of liking.
    package var codecs: [Codec] = [.pcma, .pcmu]
    package var keys = Keys.events
    package var numberForm = NumberForm.digits
    package var callerForm = CallerForm.account
    /// How many calls may go out at once; `nil` where the provider does not say.
    package var parallelCalls: Int?
    /// The address at which this trunk's provider reaches us, where that is another than the PBX's own.
    package var publicAddress: String?

    package init(
        id: TrunkID, login: String, authUser: String? = nil, password: String, domain: String, registrars: [Registrar]
    ) {
        self.id = id
        self.login = login
        self.authUser = authUser ?? login
        self.password = password
        self.domain = domain
        self.registrars = registrars
    }
}

extension TrunkAccount: CustomStringConvertible, CustomReflectable {
    /// Neither the password nor the login, which may be a whole number.
    package var description: String { "trunk \(id)" }
    package var customMirror: Mirror { Mirror(self, children: ["id": id]) }
}

/// The name of a trunk: of its connection, and of the account where the connection's file has several.
///
/// A plan that names the connection alone means any of its accounts.
package struct TrunkID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package var connection: ConnectionID
    /// A slug, as in `accounts:`.
    package var account: String?

    package init(_ connection: ConnectionID, account: String? = nil) {
        self.connection = connection
        self.account = account
    }

    /// Reads `connection` or `connection/account`; `nil` for what holds no two slugs.
    package init?(_ text: some StringProtocol) {
        let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
        guard let first = parts.first, parts.allSatisfy({ ConnectionID.isSlug($0) }) else { return nil }
        self.init(ConnectionID(String(first)), account: parts.dropFirst().first.map { String($0) })
    }

    /// `connection`, or `connection/account`.
    package var description: String { account.map { "\(connection)/\($0)" } ?? connection.name }

    package static func < (left: Self, right: Self) -> Bool {
        (left.connection, left.account ?? "") < (right.connection, right.account ?? "")
    }
}

/// How a trunk stands.
package struct TrunkState: Sendable, Equatable {
    package enum Condition: Sendable, Equatable {
        /// A registrar has been asked, or is about to be.
        case registering
        case registered(until: Instant)
        /// It does not register; its calls are taken from its addresses.
        case open
        /// The registrar said no. Nothing is tried before `retryAt`, or at all where that is `nil`.
        case refused(status: Int, reason: String, retryAt: Instant?)
        /// No registrar answers, or none can be found.
        case unreachable(reason: String, retryAt: Instant?)
        /// It was taken back.
        case ended
    }

    package var condition: Condition
    /// The host that is, or was last, spoken to.
    package var registrar: String?

    package init(_ condition: Condition, registrar: String? = nil) {
        self.condition = condition
        self.registrar = registrar
    }

    /// Calls can come and go.
    package var isUp: Bool {
        switch condition {
        case .registered, .open: true
        case .registering, .refused, .unreachable, .ended: false
        }
    }
}
