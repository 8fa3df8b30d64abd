import AdapterKit
import Connector

/// The PBX inside the gateway: telephones register with it, trunks bring and take its calls.
///
/// One value is one connection: one PBX with its plan. The PBX itself is behind `CallControl`; here is what it is told and what its records
/// say. See README.md.
package struct PBXAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "pbx", provider: "sip", title: "Embedded PBX", version: "1",
        settings: [
            SettingSpecification(
                "listen", .list, standard: "0.0.0.0:5060",
                help: "where SIP is spoken: udp:0.0.0.0:5060, tcp:0.0.0.0:5060; 0.0.0.0:5060 is both"),
            SettingSpecification(
                "public_address", .text,
                help: "the address by which the internet knows this machine, where a NAT stands before it; without a port"),
            SettingSpecification(
                "local_networks", .list, standard: "10.0.0.0/8, 172.16.0.0/12, 192.168.0.0/16",
                help: "networks that are reached without the NAT"),
            SettingSpecification(
                "rtp_ports", .text, standard: "10000-19999", help: "ports for sound, two a leg; open them in the firewall for UDP"
            ),
            SettingSpecification(
                "user_agent", .text, help: "how the PBX names itself to telephones and trunks; nothing is told where absent"),
            CommonSettings.defaultCountry,
        ],
        headers: [],
        capabilities: [
            .originate, .hangup, .hold, .resume, .blindTransfer, .attendedTransfer, .recordStart, .recordStop, .dtmf, .recordings,
        ],
        // It is ours: the bound only keeps a mad client from filling the queue.
        rateLimit: RateLimit(burst: 100, interval: .milliseconds(5)),
        section: SectionSpecification("pbx", secrets: ["secret", "password", "pin"]), hearing: .keeper(.sip))

    private let plan: CallPlan
    private let control: (any CallControl)?

    package init(settings: AdapterSettings) throws { try self.init(settings: settings, context: AdapterContext()) }

    /// - Throws: `SettingsError`; `SettingTreeError` with everything that is wrong with the plan.
    package init(settings: AdapterSettings, context: AdapterContext) throws {
        _ = try PBXNetworking(settings.values)
        guard settings.section != nil else {
            throw SettingsError(
                setting: "pbx", problem: "is missing", hint: "add a section `pbx:` with extensions and what is done with calls")
        }
        plan = CallPlan(connection: settings.connection, settings: settings.values, section: settings.section)
        control = context.control
        try context.plans?.check(plan)
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { SilentGate("nobody posts to a PBX that is our own") }

    package func makeDecoder() -> any EventDecoder { PBXDecoder() }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        control.map { PBXClient(control: $0, plan: plan) }
    }
}
