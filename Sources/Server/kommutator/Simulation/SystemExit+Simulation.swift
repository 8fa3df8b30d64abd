import ArgumentParser

extension SystemExit {
    /// The output cannot be written: EX_CANTCREAT.
    static let unwritable = ExitCode(73)
    /// The other side does not keep the protocol: EX_PROTOCOL.
    static let protocolBroken = ExitCode(76)
}
