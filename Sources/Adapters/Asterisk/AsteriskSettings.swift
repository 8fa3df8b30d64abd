import AdapterKit
import Connector

/// The settings of one server, understood.
struct AsteriskSettings: Sendable {
    /// Where the manager interface is, and who we are there; `nil` where only the dialplan tells.
    struct Manager: Hashable, Sendable {
        var host: String
        var port: UInt16
        var security: Security
        var username: String
        var secret: String
    }

    enum Security: String, CaseIterable, Sendable {
        case off
        /// The certificate must be one that this machine trusts.
        case on
        /// Any certificate: for a PBX that signed its own.
        case unverified
    }

    let manager: Manager?
    let plan: PhonePlan
    /// Where commands have a number dialled: of new calls, and of transfers.
    let originateContext: String
    let transferContext: String
    /// With `{file}` in it, or a folder's address.
    let recordingsURL: String?
    /// Whether the dialplan has an entrance of its own.
    let hasURLToken: Bool

    static let specifications = [
        SettingSpecification(
            "host", .text, help: "where the manager interface is: a name or an address; without it, only the dialplan tells"),
        SettingSpecification("port", .text, help: "its port: 5038, with TLS 5039, where absent"),
        SettingSpecification(
            "tls", .choice(Security.allCases.map(\.rawValue)), standard: Security.off.rawValue,
            help: "on: TLS with a certificate that this machine trusts; unverified: with any"),
        SettingSpecification("username", .text, help: "the section of manager.conf"),
        SettingSpecification("secret", .secret, help: "`secret` of that section"),
        SettingSpecification(
            "trunks", .list, help: "names of the endpoints that lead outside; where absent, those whose names are no short number"
        ),
        SettingSpecification(
            "extensions", .list,
            help:
                "short numbers of people's telephones, as patterns of the dialplan (_1XX, _2XX, 700); two to six digits where absent"
        ),
        SettingSpecification(
            "contexts", .list, standard: "from-internal",
            help: "the dialplan's contexts in which commands dial: for new calls, and for transfers where that is another"),
        SettingSpecification(
            "recordings_url", .text,
            help: "where the server's recordings can be fetched by their file names: https://pbx.example/rec/{file}"),
        urlToken, CommonSettings.allowFrom, CommonSettings.defaultCountry,
    ]

    private static let urlToken: SettingSpecification = {
        var token = CommonSettings.urlToken
        token.help = "path segment that only the dialplan knows; without it, nothing is taken that is posted"
        return token
    }()

    init(_ settings: AdapterSettings) throws(SettingsError) {
        manager = try Self.manager(settings)
        hasURLToken = settings.hasURLToken
        if manager == nil, !settings.hasURLToken {
            throw SettingsError(
                setting: "host", problem: "is missing",
                hint: "add `host:` for the manager interface, or `url_token:` for the dialplan's posts")
        }
        var plan = PhonePlan()
        plan.trunks = Set(Self.words(settings["trunks"]))
        let patterns = Self.words(settings["extensions"])
        if !patterns.isEmpty { plan.shortNumbers = try patterns.map(Self.pattern) }
        recordingsURL = try Self.address(settings["recordings_url"])
        plan.fetchesRecordings = recordingsURL != nil
        self.plan = plan
        let contexts = Self.words(settings["contexts"])
        originateContext = contexts.first ?? "from-internal"
        transferContext = contexts.dropFirst().first ?? originateContext
        guard contexts.count <= 2, contexts.allSatisfy(ManagerAction.isName) else {
            throw SettingsError(
                setting: "contexts", problem: "is no context's name", hint: "write one or two, as in extensions.conf")
        }
    }

    private static func manager(_ settings: AdapterSettings) throws(SettingsError) -> Manager? {
        guard let host = settings["host"], !host.isEmpty else { return nil }
        guard let security = Security(rawValue: settings["tls"] ?? Security.off.rawValue) else {
            throw SettingsError(
                setting: "tls", problem: "is none of off, on, unverified", hint: "on where manager.conf has tlsenable=yes")
        }
        guard let port = UInt16(settings["port"] ?? (security == .off ? "5038" : "5039")), port > 0 else {
            throw SettingsError(setting: "port", problem: "is no port", hint: "5038 where manager.conf says nothing else")
        }
        func needed(_ name: String) throws(SettingsError) -> String {
            guard let value = settings[name], !value.isEmpty, ManagerAction.isSafe(value) else {
                throw SettingsError(
                    setting: name, problem: settings[name] == nil ? "is missing" : "cannot be sent",
                    hint: "as in manager.conf; the section's name is the username")
            }
            return value
        }
        return Manager(host: host, port: port, security: security, username: try needed("username"), secret: try needed("secret"))
    }

    private static func pattern(_ text: String) throws(SettingsError) -> NumberPattern {
        guard let pattern = NumberPattern(text) else {
            throw SettingsError(
                setting: "extensions", problem: "holds something that is no pattern",
                hint: "write numbers and patterns as in 700, _1XX")
        }
        return pattern
    }

    private static func address(_ text: String?) throws(SettingsError) -> String? {
        guard let text, !text.isEmpty else { return nil }
        guard text.hasPrefix("https://") || text.hasPrefix("http://"), !text.contains(where: \.isWhitespace) else {
            throw SettingsError(setting: "recordings_url", problem: "is no web address", hint: "https://pbx.example/rec/{file}")
        }
        return text.contains("{file}") ? text : text + (text.hasSuffix("/") ? "" : "/") + "{file}"
    }

    /// The words of a list, however it was written.
    private static func words(_ text: String?) -> [String] {
        guard let text, !text.isEmpty else { return [] }
        // A list that YAML wrote as one comes as JSON; what is no JSON was written with commas.
        if text.hasPrefix("["), let list = try? JSONValue(parsing: text) {
            return list.elements.compactMap(\.string)
        }
        return text.split(separator: ",").map { $0.filter { !$0.isWhitespace } }.filter { !$0.isEmpty }
    }
}
