import AdapterKit
import Connector

/// Beeline's cloud PBX: the XSI events that it posts for its employees' calls.
///
/// One value is one connection: one client's PBX. See README.md for what to subscribe to and what Beeline sends.
package struct BeelineAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "beeline", title: "Beeline", version: "1",
        settings: [
            SettingSpecification(
                "token", .secret, isRequired: true, help: "API token (X-MPBX-API-AUTH-TOKEN): the PBX cabinet, section API"),
            SettingSpecification(
                "base_url", .text, standard: BeelineServer.standard,
                help: "where Beeline's API is; `\(BeelineServer.standard)` where absent"),
            RoutingSetting.specification(standard: false),
            SettingSpecification(
                "subscribe", .choice(BeelinePlan.allCases.map(\.rawValue)), standard: BeelinePlan.employees.rawValue,
                help: "one subscription for each of Beeline's `employees`, or one for the `company`; the former where absent"),
        ] + CommonSettings.unsigned,
        headers: [], capabilities: BeelineClient.capabilities + [.routing], rateLimit: BeelineClient.rateLimit,
        // Nobody waits: the row is for the caller's next call.
        routing: RoutingAbility(
            .table, deadline: .seconds(20), targets: [.user], rateLimit: RateLimit(burst: 5, interval: .milliseconds(500))),
        logNamesCalls: false)

    package let descriptor: AdapterDescriptor
    private let token: String
    private let server: BeelineServer
    private let plan: BeelinePlan

    package init(settings: AdapterSettings) throws {
        descriptor = Self.descriptor.followingRouting(of: settings)
        token = try settings.required("token")
        plan = settings["subscribe"].flatMap(BeelinePlan.init) ?? .employees
        guard let server = BeelineServer(settings["base_url"] ?? BeelineServer.standard) else {
            throw SettingsError(
                setting: "base_url", problem: "is no address",
                hint: "write one like \(BeelineServer.standard), or leave the setting out")
        }
        self.server = server
    }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        BeelineClient(server: server, token: token, plan: plan, outgoing: outgoing)
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { BeelineAuthenticator() }

    package func makeDecoder() -> any EventDecoder { BeelineDecoder() }

    package func logRows(of body: [UInt8]) -> [[UInt8]] { LogRows.ofJSON(body, list: { $0 }) }

    /// Reads the statistics of calls.
    package var statistics: any HistoryReader { BeelineStatistics() }

    /// Reads the list of recordings.
    package var recordings: any HistoryReader { BeelineRecordings() }
}
