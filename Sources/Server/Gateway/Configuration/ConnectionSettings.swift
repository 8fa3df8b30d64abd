import AdapterKit
import Connector
import Network

/// A kind of adapter that connections may be made of; the root hands in the catalog.
package typealias AdapterKind = any TelephonyAdapter.Type

/// One file of `adapters.d`, read and checked: everything but the adapter itself.
package struct ConnectionSettings: Sendable, Equatable {
    package var profile: ConnectionProfile
    package var isEnabled: Bool
    /// What the adapter asked for, secrets resolved. A disabled connection's secrets are not looked up.
    package var values: [String: String]
    /// The section that only the adapter understands, secrets resolved as in `values`.
    package var section: SettingTree?
    /// An extra segment of the webhook's path that only the provider knows.
    package var urlToken: String?
    /// Networks that webhooks may come from; empty means any.
    package var allowedNetworks: [IPNetwork]
    /// The settings as they may be shown: of a secret only where it is kept. In the order of the file.
    package var shownSettings: [ShownSetting]
    /// Files that hold its secrets; a change of one is a change of settings.
    package var secretFiles: [String]

    package var id: ConnectionID { profile.id }
}

/// One setting as a person may see it.
package struct ShownSetting: Sendable, Equatable {
    package var name: String
    /// The value, or `env:NAME`, `file:PATH`.
    package var value: String
}
