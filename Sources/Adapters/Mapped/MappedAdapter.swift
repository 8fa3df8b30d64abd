import AdapterKit
import Connector

/// A vendor that a connection's file describes: tables of fields, events and requests, and no code.
///
/// One value is one connection. What it can do and which headers it reads is in its file; see `MappedAdapters.md`.
package struct MappedAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "mapped", title: "A described vendor", version: "1",
        settings: [
            SettingSpecification("base_url", .text, help: "the server of the vendor's API: https:// and the host; for commands"),
            SettingSpecification("webhook_user", .text, help: "user of the webhooks' basic authentication"),
            SettingSpecification(
                "webhook_secret", .secret, help: "what webhooks prove to know: a token, a password, or the key of their signature"
            ),
            SettingSpecification("api_user", .text, help: "user of the vendor's API: {api_user} in commands"),
            SettingSpecification("api_key", .secret, help: "key of the vendor's API: {api_key} in commands"),
            CommonSettings.urlToken, CommonSettings.allowFrom, CommonSettings.defaultCountry,
        ],
        headers: [], section: SectionSpecification("mapping"))

    /// The kind's description with what the file says: the vendor's name, its headers, its commands.
    package let descriptor: AdapterDescriptor
    private let mapping: Mapping
    private let server: ServerAddress?
    private let settings: AdapterSettings

    /// - Throws: `SettingsError`; `SettingTreeError` with everything that is wrong with the mapping.
    package init(settings: AdapterSettings) throws {
        server = try ServerAddress(setting: "base_url", of: settings)
        guard let tree = settings.section else {
            throw SettingsError(
                setting: "mapping", problem: "is missing", hint: "add a section `mapping:` that describes the vendor")
        }
        var reader = MappingReader(settings: settings)
        let mapping = reader.mapping(tree)
        guard reader.problems.isEmpty else { throw SettingTreeError(reader.problems) }
        self.mapping = mapping
        self.settings = settings
        var descriptor = Self.descriptor
        descriptor.provider = mapping.vendor
        descriptor.title = mapping.title
        descriptor.headers = mapping.headers
        descriptor.capabilities = Capability.allCases.filter { mapping.commands[$0] != nil }
        self.descriptor = descriptor
    }

    package var examples: [AdapterExample] { mapping.examples }

    package func makeAuthenticator() -> any WebhookAuthenticator {
        MappedAuthenticator(mapping, user: settings["webhook_user"] ?? "", secret: settings["webhook_secret"] ?? "")
    }

    package func makeDecoder() -> any EventDecoder { MappedDecoder(mapping) }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        guard let server, !mapping.commands.isEmpty else { return nil }
        return MappedClient(mapping, server: server, user: settings["api_user"], key: settings["api_key"], outgoing)
    }
}
