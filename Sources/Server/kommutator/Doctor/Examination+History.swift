import Connector
import Gateway

/// How the provider's history was pulled last.
extension Examination {
    func history(of entry: ConnectionDirectory.Entry, _ state: PullState?, _ subject: String) -> [Finding] {
        let plan = entry.settings.profile.reconciling
        guard plan.isEnabled, entry.kind?.descriptor.capabilities.contains(.history) == true else { return [] }
        guard let state, state.succeededAt != nil || state.failure != nil else {
            return [
                .odd(
                    subject, "its history has not been pulled yet",
                    remedy: "start the gateway, and give the settings that the provider's API needs")
            ]
        }
        if let failure = state.failure {
            return [
                .odd(
                    subject, "its history could not be pulled at \(failure.at): \(failure.reason)",
                    remedy: "see the settings of the provider's API; until then lost webhooks stay lost")
            ]
        }
        return state.succeededAt.map { [.good(subject, "its history was pulled at \($0)")] } ?? []
    }
}
