import Connector

extension ProviderFailure {
    /// The same for a question: where no answer came, nothing was carried out all the same, and it may be asked again.
    package var ofQuestion: ProviderFailure {
        var failure = self
        if kind == .unknown { failure.kind = .unavailable }
        return failure
    }
}
