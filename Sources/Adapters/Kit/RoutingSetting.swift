import Connector

/// The setting `routing`: whether the CRM is asked whom to ring. Nobody is, where the server's own settings name no `lookup_url`.
package enum RoutingSetting {
    /// - Parameter standard: whether it is asked where the setting is absent.
    package static func specification(standard: Bool) -> SettingSpecification {
        SettingSpecification(
            "routing", .choice(["crm", "off"]), standard: word(standard),
            help: "crm: where `lookup_url` is set, the CRM says whom to ring; `\(word(standard))` where absent")
    }

    private static func word(_ isOn: Bool) -> String { isOn ? "crm" : "off" }
}

extension AdapterDescriptor {
    /// The description as the setting `routing` of a connection has it.
    package func followingRouting(of settings: AdapterSettings) -> AdapterDescriptor {
        let setting = self.settings.first { $0.name == "routing" }
        guard (settings["routing"] ?? setting?.standard) != "crm" else { return self }
        var copy = self
        copy.capabilities.removeAll { $0 == .routing }
        copy.routing = nil
        return copy
    }
}
