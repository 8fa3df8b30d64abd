/// A provider's translator: turns its requests into `CallEvent`s.
///
/// One value stands for one connection: it is made of that connection's settings. It is immutable and shared by the event
/// loops and the ledger; what needs state of its own is made by `makeAuthenticator` and `makeDecoder`.
package protocol TelephonyAdapter: Sendable {
    /// Name, version, settings and wishes of this kind of adapter.
    static var descriptor: AdapterDescriptor { get }

    /// - Throws: `SettingsError` naming the setting and what would mend it.
    init(settings: AdapterSettings) throws

    /// The same, for adapters that need more than settings.
    /// - Throws: `SettingsError`, as above.
    init(settings: AdapterSettings, context: AdapterContext) throws

    /// What is true of this very connection: the kind's description, unless the settings say more (a vendor described in a file).
    var descriptor: AdapterDescriptor { get }

    /// What its file says should become of some requests; mostly none.
    var examples: [AdapterExample] { get }

    /// What keeps this connection from working now, in a sentence; `nil` where all is well. Cheap, from any thread.
    var trouble: String? { get }

    /// The gatekeeper of one event loop: keeps key schedules and is used by one thread only.
    func makeAuthenticator() -> any WebhookAuthenticator

    /// A reader of this connection's raw records; used by one thread only.
    func makeDecoder() -> any EventDecoder

    /// Takes a body of the provider's log (`HistoryPage.bodies`) apart into documents that the decoder reads alike, each with the rows of
    /// one call: the same row is then the same bytes, whatever page it stood in. Pure.
    func logRows(of body: [UInt8]) -> [[UInt8]]

    /// The way to the provider; `nil` where it can only be listened to.
    func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)?

    /// What the provider, which waits for it, is answered to its question. Without a target it says nothing of whom to ring.
    ///
    /// Only asked where the description's `routing` is of the manner `.answer`. Any thread.
    func acknowledge(_ question: RoutingQuestion, _ decision: RoutingDecision) -> WebhookResponse
}

extension TelephonyAdapter {
    package init(settings: AdapterSettings, context: AdapterContext) throws { try self.init(settings: settings) }

    package var descriptor: AdapterDescriptor { Self.descriptor }

    package var examples: [AdapterExample] { [] }

    package var trouble: String? { nil }

    package func logRows(of body: [UInt8]) -> [[UInt8]] { [body] }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? { nil }

    package func acknowledge(_ question: RoutingQuestion, _ decision: RoutingDecision) -> WebhookResponse { .ok }
}

/// Decides whether a webhook comes from the provider. Confined to one event loop.
package protocol WebhookAuthenticator: AnyObject {
    /// Judges one request in constant time, without allocating more than it must. The request is valid only during the call.
    func authenticate(_ request: WebhookRequest) -> Authentication

    /// Of the request that was accepted just now: does it tell of a call that the CRM may say whom to ring for?
    ///
    /// Only asked where the description says how the provider is told; `nil` for nearly everything.
    func routingQuestion(_ request: WebhookRequest) -> RoutingQuestion?
}

extension WebhookAuthenticator {
    package func routingQuestion(_ request: WebhookRequest) -> RoutingQuestion? { nil }
}

/// What the gatekeeper says.
package enum Authentication: Sendable, Equatable {
    /// Genuine: journal it, then answer with `acknowledgement`.
    case accept(WebhookResponse)
    /// A test of our address (Zadarma's `zd_echo`, Mango's `ping`): answered, not journalled.
    case handshake(WebhookResponse)
    /// Not genuine, or not readable enough to tell. `reason` is for counters and the log: no secret, no body.
    case refuse(status: Int, reason: String)
}

/// A small answer to a provider.
package struct WebhookResponse: Sendable, Equatable {
    package var status: Int
    package var contentType: String
    package var body: [UInt8]

    package init(status: Int = 200, contentType: String = "text/plain; charset=utf-8", body: [UInt8] = []) {
        self.status = status
        self.contentType = contentType
        self.body = body
    }

    /// `200` with no body.
    package static let ok = WebhookResponse()
}

/// A view of a request on its way in: the bytes live in the connection's buffer and only as long as the call it is given to.
package struct WebhookRequest {
    package var method: String
    /// The path behind `/hooks/{connection}[/{url_token}]`, with its leading slash, or `""`.
    package var path: String
    package var query: String
    /// The headers of `AdapterDescriptor.headers` that were sent, names in lower case.
    package var headers: [HeaderField]
    package var body: UnsafeRawBufferPointer

    package init(method: String, path: String, query: String, headers: [HeaderField], body: UnsafeRawBufferPointer) {
        self.method = method
        self.path = path
        self.query = query
        self.headers = headers
        self.body = body
    }

    /// The first header of that name (lower case).
    package func header(_ name: String) -> String? { headers.first { $0.name == name }?.value }
}

extension RawRecord {
    /// Lets `read` look at the record as the request it was.
    package func withRequest<Result>(_ read: (WebhookRequest) throws -> Result) rethrows -> Result {
        try body.withUnsafeBytes { bytes in
            try read(WebhookRequest(method: method, path: path, query: query, headers: headers, body: bytes))
        }
    }
}

/// Reads one connection's raw records in order. Deterministic over that order, and total: it never throws and never traps.
package protocol EventDecoder: AnyObject {
    /// What the record says; one element a fact, in the order of their ordinals. Empty is not allowed: say `.ignored`.
    func decode(_ raw: RawRecord) -> [Decoded]
}

/// One thing that a raw record says.
package enum Decoded: Sendable, Equatable {
    /// Something happened to a call.
    indirect case call(CallEvent)
    /// The provider answers a command of ours.
    case command(CommandReport)
    /// News for the adapter itself: statistics are ready, a subscription ended.
    case signal(name: String, fields: [CustomField])
    /// Understood, and nothing to remember.
    case ignored(reason: String)
    /// Not understood. `reason` names what is odd, without the body.
    case undecoded(reason: String)
}

/// A provider's late answer to a command.
package struct CommandReport: Sendable, Equatable {
    /// The command's name at the provider, as we chose it.
    package var key: String
    package var succeeded: Bool
    package var code: String

    package init(key: String, succeeded: Bool, code: String) {
        self.key = key
        self.succeeded = succeeded
        self.code = code
    }
}

// MARK: - Description and settings

/// What the catalog and the operator need to know of an adapter before there is a connection.
package struct AdapterDescriptor: Sendable {
    /// The value of `adapter:` in a connection's file.
    package var name: String
    /// The record's `provider`: the same, unless the public schema names the vendor otherwise.
    package var provider: String
    /// The vendor's name as people write it.
    package var title: String
    package var version: String
    package var settings: [SettingSpecification]
    /// Header names (lower case) the adapter reads; only these are journalled.
    package var headers: [String]
    /// Commands it can carry out; empty where it only listens.
    package var capabilities: [Capability]
    /// How often its provider may be asked: commands and everything else together.
    package var rateLimit: RateLimit
    /// How often for its log of calls, where that is less often.
    package var historyLimit: RateLimit?
    /// The section of a connection's file that only this adapter understands; `nil` where it takes none.
    package var section: SectionSpecification?
    /// How the provider can be told whom to ring; `nil` where it cannot, or is not to be.
    package var routing: RoutingAbility?
    /// Whether the rows of the vendor's log name calls as his webhooks do. Where they do not, or only may, the decoder says what a row is
    /// like (`CallEvent.likeness`).
    package var logNamesCalls: Bool
    package var hearing: Hearing

    /// How its connections hear of calls.
    package enum Hearing: Hashable, Sendable {
        /// The provider posts to us; a keeper may hear more.
        case webhooks
        /// By a keeper alone, whose records are of that source: what is posted is refused.
        case keeper(CallSource)
        /// Not at all: a trunk, of whose calls the PBX tells.
        case nothing
    }

    package init(
        name: String, provider: String? = nil, title: String, version: String, settings: [SettingSpecification],
        headers: [String], capabilities: [Capability] = [],
        rateLimit: RateLimit = RateLimit(burst: 20, interval: .milliseconds(100)), historyLimit: RateLimit? = nil,
        section: SectionSpecification? = nil, routing: RoutingAbility? = nil, logNamesCalls: Bool = true,
        hearing: Hearing = .webhooks
    ) {
        self.name = name
        self.provider = provider ?? name
        self.title = title
        self.version = version
        self.settings = settings
        self.headers = headers
        self.capabilities = capabilities
        self.rateLimit = rateLimit
        self.historyLimit = historyLimit
        self.section = section
        self.routing = routing
        self.logNamesCalls = logNamesCalls
        self.hearing = hearing
    }
}

/// A section at the top of a connection's file that its adapter reads by itself.
package struct SectionSpecification: Sendable, Equatable {
    package var name: String
    /// Fields anywhere within it that hold secrets: written as references there, as in `settings:`, and resolved in what the adapter
    /// gets. In the section of a disabled connection they are empty.
    package var secrets: Set<String>

    package init(_ name: String, secrets: Set<String> = []) {
        self.name = name
        self.secrets = secrets
    }
}

/// One setting of an adapter: its name, what it is, and whether it must be there.
package struct SettingSpecification: Sendable, Equatable {
    package enum Kind: Sendable, Equatable {
        case text
        /// Must be written as a reference `env:NAME` or `file:PATH`, never as a value.
        case secret
        /// An IANA time zone.
        case timeZone
        case choice([String])
        /// Some words: a JSON array of strings where they were written as a list, else the text as it is.
        case list
    }

    package var name: String
    package var kind: Kind
    package var isRequired: Bool
    package var standard: String?
    /// One line for the operator: what it is and where the vendor shows it.
    package var help: String

    package init(_ name: String, _ kind: Kind, isRequired: Bool = false, standard: String? = nil, help: String) {
        self.name = name
        self.kind = kind
        self.isRequired = isRequired
        self.standard = standard
        self.help = help
    }
}

/// The checked settings of one connection, secrets resolved.
package struct AdapterSettings: Sendable {
    package var connection: ConnectionID
    package var values: [String: String]
    /// The section of the connection's file that the adapter's description names.
    package var section: SettingTree?
    /// Whether the gateway asks for a `url_token`; the token itself is not the adapter's business.
    package var hasURLToken: Bool

    package init(
        connection: ConnectionID, values: [String: String], section: SettingTree? = nil, hasURLToken: Bool = false
    ) {
        self.connection = connection
        self.values = values
        self.section = section
        self.hasURLToken = hasURLToken
    }

    package subscript(name: String) -> String? { values[name] }

    /// A setting that must be there.
    /// - Throws: `SettingsError` naming it.
    package func required(_ name: String) throws -> String {
        guard let value = values[name], !value.isEmpty else {
            throw SettingsError(setting: name, problem: "is missing", hint: "add `\(name):` under `settings:`")
        }
        return value
    }
}

/// A setting that cannot be used. Never carries the value.
package struct SettingsError: Error, Sendable, Equatable, CustomStringConvertible {
    package var setting: String
    package var problem: String
    package var hint: String

    package init(setting: String, problem: String, hint: String) {
        self.setting = setting
        self.problem = problem
        self.hint = hint
    }

    package var description: String { "setting `\(setting)` \(problem); \(hint)" }
}
