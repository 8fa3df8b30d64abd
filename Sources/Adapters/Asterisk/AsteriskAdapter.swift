import AdapterKit
import Connector

/// An Asterisk of one's own, from version 13 on: watched and commanded over its manager interface (AMI), or told of by its dialplan.
///
/// One value is one server. See README.md for what to configure there.
package struct AsteriskAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "asterisk", title: "Asterisk", version: "1",
        settings: AsteriskSettings.specifications, headers: [], capabilities: AsteriskClient.capabilities,
        rateLimit: AsteriskClient.rateLimit)

    package let descriptor: AdapterDescriptor
    private let settings: AsteriskSettings
    private let context: AdapterContext

    package init(settings: AdapterSettings) throws { try self.init(settings: settings, context: AdapterContext()) }

    package init(settings: AdapterSettings, context: AdapterContext) throws {
        self.settings = try AsteriskSettings(settings)
        self.context = context
        var descriptor = Self.descriptor
        if self.settings.manager == nil { descriptor.capabilities = [] }
        if self.settings.recordingsURL == nil { descriptor.capabilities.removeAll { $0 == .recordings } }
        self.descriptor = descriptor
    }

    package func makeAuthenticator() -> any WebhookAuthenticator {
        DialplanAuthenticator(hasURLToken: settings.hasURLToken)
    }

    /// `nil` where only the dialplan tells.
    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        guard let manager = settings.manager, let streams = context.streams else { return nil }
        let link = ManagerLink(plan: settings.plan)
        let session = ManagerSession(manager, streams: streams, link: link, plan: settings.plan)
        return AsteriskClient(settings: settings, link: link, session: session, outgoing: outgoing)
    }

    package func makeDecoder() -> any EventDecoder {
        AsteriskDecoder(plan: settings.plan, hasManager: settings.manager != nil)
    }
}
