import AdapterKit
import Connector

/// MegaFon MultiFon: a mobile number as a SIP trunk, with one number or a hundred.
///
/// One value is one connection. Beside the registrations it watches each number's routing mode, since a number whose mode is "phone" is
/// registered all the same and never rings. See README.md.
package struct MultifonAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "multifon", title: "MegaFon MultiFon", version: "1",
        settings: TrunkEntries.specifications(login: "number", help: "the number, as 79XXXXXXXXX") + [
            SettingSpecification(
                "mode", .choice(MultifonMode.allCases.map(\.word)),
                help:
                    "where the numbers' calls go: sip, both, phone; set at MegaFon where it is otherwise. Absent, it is only watched"
            ),
            SettingSpecification(
                "watch_every", .text, standard: "5",
                help: "minutes between two looks at the routing mode: 1 to 1440; 0 never looks"),
            SettingSpecification(
                "parallel_calls", .text, standard: "2", help: "how many calls may go out at once on a number: 1 to 100"),
            SettingSpecification(
                "registrar", .list, standard: "sbc.megafon.ru:5060", help: "MegaFon's border; another only where MegaFon says so"),
            SettingSpecification("transport", .choice(["udp", "tcp"]), standard: "udp", help: "udp or tcp"),
            SettingSpecification(
                "base_url", .text, standard: standardServer,
                help: "the server of the routing mode; `\(standardServer)` where absent"),
            TrunkSettings.dtmf, TrunkSettings.codecs, TrunkSettings.publicAddress, TrunkSettings.allowCallsFrom,
            CommonSettings.defaultCountry,
        ],
        headers: [], rateLimit: RateLimit(burst: 10, interval: .milliseconds(500)), section: TrunkEntries.section,
        hearing: .nothing)

    private static let standardServer = "https://sm.megafon.ru"
    static let domain = "multifon.ru"

    /// By name.
    package let trunks: [TrunkAccount]
    private let control: (any CallControl)?
    private let server: ServerAddress
    private let mode: MultifonMode?
    private let pace: Duration?

    package init(settings: AdapterSettings) throws { try self.init(settings: settings, context: AdapterContext()) }

    /// - Throws: `SettingsError`; `SettingTreeError` with everything that is wrong with `accounts`.
    package init(settings: AdapterSettings, context: AdapterContext) throws {
        server = try ServerAddress(setting: "base_url", of: settings, standard: Self.standardServer)
        mode = settings["mode"].flatMap { word in MultifonMode.allCases.first { $0.word == word } }
        let minutes = try TrunkSettings.integer(settings, "watch_every", in: 0...1440, hint: "5 looks every five minutes") ?? 5
        pace = minutes == 0 ? nil : .seconds(60 * minutes)
        let model = try Self.model(settings)
        trunks = try TrunkEntries.read(settings, login: "number").map { try Self.trunk($0, like: model) }
        for trunk in trunks { try context.plans?.check(trunk) }
        control = context.control
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { SilentGate("nobody posts to a trunk") }

    package func makeDecoder() -> any EventDecoder { SilentDecoder() }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        guard let control else { return nil }
        guard let pace else { return TrunkClient(TrunkKeeper(control: control, trunks: trunks)) }
        let watch = MultifonWatch(
            desk: MultifonDesk(server: server, outgoing: outgoing), trunks: trunks, wanted: mode, pace: pace)
        return TrunkClient(TrunkKeeper(control: control, trunks: trunks, watch: { await watch.run($0, $1) }))
    }

    // MARK: Reading

    /// What is true of every number: facts with their sources in README.md.
    private static func model(_ settings: AdapterSettings) throws(SettingsError) -> TrunkAccount {
        let transport = settings["transport"].flatMap(TrunkAccount.Registrar.Transport.init) ?? .udp
        var registrars: [TrunkAccount.Registrar] = []
        let words = SettingWords.read(settings["registrar"])
        for word in words.isEmpty ? ["sbc.megafon.ru:5060"] : words {
            guard let (host, port) = HostAndPort.read(word) else {
                throw SettingsError(
                    setting: "registrar", problem: "has an entry that is no host", hint: "write sbc.megafon.ru:5060")
            }
            registrars.append(TrunkAccount.Registrar(host: host, port: port ?? 5060, transport: transport))
        }
        var trunk = TrunkAccount(
            id: TrunkID(settings.connection), login: "", password: "", domain: domain, registrars: registrars)
        trunk.expires = .seconds(180)
        trunk.refreshPercent = 50
        trunk.keepAlive = .seconds(25)
        trunk.callerForm = .account
        trunk.numberForm = .digits
        trunk.parallelCalls =
            try TrunkSettings.integer(settings, "parallel_calls", in: 1...100, hint: "2 unless MegaFon sold more") ?? 2
        try TrunkSettings.apply(settings, to: &trunk)
        return trunk
    }

    private static func trunk(_ entry: TrunkEntry, like model: TrunkAccount) throws(SettingsError) -> TrunkAccount {
        guard let number = MultifonNumber.login(entry.login) else {
            throw SettingsError(
                setting: entry.name == nil ? "number" : "accounts", problem: "has a login that is no number of Russia",
                hint: "write eleven digits, as in 79XXXXXXXXX")
        }
        var trunk = model
        trunk.id.account = entry.name
        trunk.login = number
        trunk.authUser = entry.authUser ?? number
        trunk.password = entry.password
        trunk.numbers = ["+\(number)"]
        try TrunkSettings.apply(entry, to: &trunk)
        return trunk
    }
}

/// How MultiFon writes a number.
enum MultifonNumber {
    /// `79XXXXXXXXX` of what people write: with a plus, with an 8, with the domain behind it.
    static func login(_ text: String) -> String? {
        var digits = text
        if digits.hasSuffix("@\(MultifonAdapter.domain)") { digits.removeLast(MultifonAdapter.domain.count + 1) }
        if digits.hasPrefix("+") { digits.removeFirst() }
        guard digits.utf8.count == 11, digits.utf8.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        if digits.hasPrefix("8") { digits = "7" + digits.dropFirst() }
        return digits.hasPrefix("7") ? digits : nil
    }
}
