/// Which call an outside name means, of one connection's calls in memory. Belongs to the ledger's thread.
final class CallNames {
    private var calls: [ExternalKey: CallID] = [:]

    subscript(key: ExternalKey) -> CallID? {
        get { calls[key] }
        set { calls[key] = newValue }
    }
}
