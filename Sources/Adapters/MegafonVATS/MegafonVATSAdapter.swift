import AdapterKit
import Connector

/// MegaFon's virtual PBX ("VATS"), and other brands of the same platform (ITooLabs): its "CRM API", both ways.
///
/// One value is one connection: one API connector of one tenant. See README.md for what to click and what the PBX sends.
package struct MegafonVATSAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "megafon-vats", provider: "megafon", title: "MegaFon VATS", version: "1",
        settings: [
            SettingSpecification(
                "crm_token", .secret, isRequired: true,
                help: "\"key for authorisation in your CRM\" in the cabinet, of your own choice"),
            SettingSpecification(
                "api_key", .secret, help: "\"key for authorisation in the VATS\", issued in the cabinet: for commands"),
            SettingSpecification(
                "base_url", .text, help: "address of the tenant: https://NAME.megapbx.ru; for commands and recordings"),
            SettingSpecification(
                "api", .choice(["v1", "legacy"]), standard: "v1", help: "which API commands take; `v1` where absent"),
            SettingSpecification(
                "time_zone", .timeZone, standard: standardZone,
                help: "of times that come without a zone, as few servers send them; `\(standardZone)` where absent"),
            RoutingSetting.specification(standard: true),
        ] + CommonSettings.all,
        headers: [], capabilities: MegafonClient.capabilities + [.routing], rateLimit: MegafonClient.rateLimit,
        // How long the PBX waits is documented nowhere; others who answer give themselves 1.2 s.
        routing: RoutingAbility(.answer, deadline: .seconds(1), targets: [.user, .number]),
        logNamesCalls: false)

    private static let standardZone = "Europe/Moscow"

    package let descriptor: AdapterDescriptor
    private let token: [UInt8]
    private let reading: MegafonReading
    private let key: String?
    private let api: MegafonClient.API

    package init(settings: AdapterSettings) throws {
        descriptor = Self.descriptor.followingRouting(of: settings)
        token = Array(try settings.required("crm_token").utf8)
        key = settings["api_key"].flatMap { $0.isEmpty ? nil : $0 }
        guard let api = MegafonClient.API(rawValue: settings["api"] ?? "v1") else {
            throw SettingsError(setting: "api", problem: "is unknown", hint: "write v1 or legacy")
        }
        self.api = api
        let server = try ServerAddress(setting: "base_url", of: settings)
        do {
            reading = MegafonReading(zone: try LocalZone(named: settings["time_zone"] ?? Self.standardZone), server: server)
        } catch {
            throw SettingsError(setting: "time_zone", problem: "cannot be used", hint: error.description)
        }
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { MegafonAuthenticator(token: token) }

    /// `contact`: the name is shown, and `responsible` rings first where the cabinet says so for the number.
    package func acknowledge(_ question: RoutingQuestion, _ decision: RoutingDecision) -> WebhookResponse {
        var json = JSONWriter()
        json.beginObject()
        if let name = decision.callerName { json.field("contact_name", name) }
        if let target = decision.target { json.field("responsible", MegafonNumber.responsible(target.ref)) }
        json.endObject()
        return WebhookResponse(contentType: MegafonAuthenticator.contentType, body: json.finish())
    }

    package func makeDecoder() -> any EventDecoder { MegafonDecoder(reading) }

    /// nil without `base_url` and `api_key`.
    /// Items of v1's list, or lines of the older CSV.
    package func logRows(of body: [UInt8]) -> [[UInt8]] {
        switch body.first(where: { $0 > UInt8(ascii: " ") }) {
        case UInt8(ascii: "["), UInt8(ascii: "{"): LogRows.ofJSON(body, list: { $0.isObject ? $0["items"] : $0 })
        case UInt8(ascii: "n"): [body]
        default: LogRows.ofLines(body)
        }
    }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        guard let server = reading.server, let key else { return nil }
        return MegafonClient(server: server, key: key, api: api, outgoing: outgoing)
    }
}

/// What a connection's settings say of how its requests are read.
struct MegafonReading: Sendable {
    /// The zone of times that come without one.
    let zone: LocalZone
    /// The tenant's own server.
    let server: ServerAddress?

    /// What names a recording: its place on the tenant's own server, or its whole address where that is another's.
    ///
    /// So whoever fetches it sends our key to no server but the tenant's.
    func recording(at link: String) -> String? {
        guard link.utf8.count <= 2048 else { return nil }
        return server?.target(of: link) ?? link
    }
}

extension MegafonVATSAdapter: SignatureCoverage {
    package static func signedFields(of fields: any NamedFields) -> [String] { ["crm_token"] }
    package static var signatureHeaders: [String] { [] }
}
