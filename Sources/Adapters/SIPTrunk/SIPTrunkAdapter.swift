import AdapterKit
import Connector

/// A SIP trunk of any provider, with one account or many. Its calls are the PBX's: here are its accounts, and how they stand.
///
/// One value is one connection. See README.md.
package struct SIPTrunkAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "sip-trunk", title: "SIP trunk", version: "1",
        settings: TrunkEntries.specifications(login: "login", help: "the account's user name") + [
            SettingSpecification(
                "domain", .text, isRequired: true, help: "the domain of the account's address: sip.provider.example"),
            SettingSpecification("auth_user", .text, help: "user name of the digest, where it is not the login"),
            SettingSpecification(
                "registrar", .list,
                help: "hosts in the order in which they are tried, with a port or without; the domain where absent"),
            SettingSpecification(
                "transport", .choice(["udp", "tcp"]), help: "udp or tcp; where absent, what the provider's name says, else udp"),
            SettingSpecification(
                "register", .choice(["yes", "no"]), standard: "yes",
                help: "no: the provider knows our address, and calls are known by `allow_calls_from`"),
            SettingSpecification(
                "numbers", .list, help: "our numbers on the account, in E.164; the first is shown unless the plan says more"),
            SettingSpecification(
                "number_form", .choice(TrunkAccount.NumberForm.allCases.map(\.rawValue)),
                standard: TrunkAccount.NumberForm.digits.rawValue,
                help: "how numbers are written to the provider: plus (+79…), digits (79…), national (89…)"),
            SettingSpecification(
                "caller", .choice(TrunkAccount.CallerForm.allCases.map(\.rawValue)),
                standard: TrunkAccount.CallerForm.account.rawValue,
                help: "who calls, in From: account, line (the number that is shown), asserted (the line beside the account)"),
            SettingSpecification(
                "expires", .text, standard: "600", help: "for how many seconds a registration is asked: 60 to 86400"),
            SettingSpecification(
                "refresh", .text, standard: "60", help: "when it is renewed, in percent of what was granted: 30 to 90"),
            SettingSpecification(
                "keep_alive", .text, standard: "25",
                help: "seconds between two packets that keep a NAT open: 5 to 300; 0 sends none"),
            SettingSpecification("parallel_calls", .text, help: "how many calls may go out at once on an account: 1 to 1000"),
            TrunkSettings.dtmf, TrunkSettings.codecs, TrunkSettings.publicAddress, TrunkSettings.allowCallsFrom,
            CommonSettings.defaultCountry,
        ],
        headers: [], section: TrunkEntries.section, hearing: .nothing)

    /// By name.
    package let trunks: [TrunkAccount]
    private let control: (any CallControl)?

    package init(settings: AdapterSettings) throws { try self.init(settings: settings, context: AdapterContext()) }

    /// - Throws: `SettingsError`; `SettingTreeError` with everything that is wrong with `accounts`.
    package init(settings: AdapterSettings, context: AdapterContext) throws {
        let domain = try settings.required("domain")
        guard HostAndPort.isHost(domain) else {
            throw SettingsError(setting: "domain", problem: "is no domain", hint: "write it without sip: and port")
        }
        let registers = settings["register"] != "no"
        var model = TrunkAccount(
            id: TrunkID(settings.connection), login: "", password: "", domain: domain,
            registrars: try Self.registrars(settings, domain: domain))
        model.registers = registers
        try Self.apply(settings, to: &model)
        try TrunkSettings.apply(settings, to: &model)
        if !registers, model.sources.isEmpty, settings["registrar"] == nil {
            throw SettingsError(
                setting: "allow_calls_from", problem: "is missing",
                hint: "a trunk that does not register is known by where its calls come from")
        }
        trunks = try TrunkEntries.read(settings, login: "login", needsPassword: registers).map { entry in
            try Self.trunk(entry, like: model, authUser: settings["auth_user"])
        }
        for trunk in trunks { try context.plans?.check(trunk) }
        control = context.control
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { SilentGate("nobody posts to a trunk") }

    package func makeDecoder() -> any EventDecoder { SilentDecoder() }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        control.map { TrunkClient(TrunkKeeper(control: $0, trunks: trunks)) }
    }

    // MARK: Reading

    private static func trunk(
        _ entry: TrunkEntry, like model: TrunkAccount, authUser: String?
    ) throws(SettingsError) -> TrunkAccount {
        guard TrunkSettings.isLogin(entry.login) else {
            throw SettingsError(
                setting: entry.name == nil ? "login" : "accounts", problem: "has a login that cannot stand in an address",
                hint: "write the part before the @ alone")
        }
        var trunk = model
        trunk.id.account = entry.name
        trunk.login = entry.login
        trunk.authUser = entry.authUser ?? (entry.name == nil ? authUser : nil) ?? entry.login
        trunk.password = entry.password
        try TrunkSettings.apply(entry, to: &trunk)
        return trunk
    }

    private static func registrars(
        _ settings: AdapterSettings, domain: String
    ) throws(SettingsError) -> [TrunkAccount.Registrar] {
        let transport = settings["transport"].flatMap(TrunkAccount.Registrar.Transport.init)
        let words = SettingWords.read(settings["registrar"])
        var registrars: [TrunkAccount.Registrar] = []
        for word in words.isEmpty ? [domain] : words {
            guard let (host, port) = HostAndPort.read(word) else {
                throw SettingsError(
                    setting: "registrar", problem: "has an entry that is no host",
                    hint: "write sip.provider.example or 192.0.2.1:5060")
            }
            registrars.append(TrunkAccount.Registrar(host: host, port: port, transport: transport))
        }
        guard registrars.count <= 8 else {
            throw SettingsError(setting: "registrar", problem: "has too many entries", hint: "8 are the limit")
        }
        return registrars
    }

    private static func apply(_ settings: AdapterSettings, to trunk: inout TrunkAccount) throws(SettingsError) {
        trunk.numbers = SettingWords.read(settings["numbers"])
        if let word = settings["number_form"], let form = TrunkAccount.NumberForm(rawValue: word) { trunk.numberForm = form }
        if let word = settings["caller"], let form = TrunkAccount.CallerForm(rawValue: word) { trunk.callerForm = form }
        if let time = try TrunkSettings.seconds(settings, "expires", in: 60...86_400, hint: "600 where the provider says nothing")
        {
            trunk.expires = time
        }
        if let share = try TrunkSettings.integer(settings, "refresh", in: 30...90, hint: "60 renews after 60 % of the time") {
            trunk.refreshPercent = share
        }
        if settings["keep_alive"] == "0" {
            trunk.keepAlive = nil
        } else if let pace = try TrunkSettings.seconds(
            settings, "keep_alive", in: 5...300, hint: "25 keeps most NATs open; 0 is off")
        {
            trunk.keepAlive = pace
        }
        trunk.parallelCalls = try TrunkSettings.integer(
            settings, "parallel_calls", in: 1...1000, hint: "what the provider sells; absent, nobody counts")
    }
}
