/// Opens two-way byte streams to other machines: TCP, with TLS where it is asked for.
///
/// For telephony that keeps one long conversation with its clients instead of asking and answering over HTTP.
package protocol ByteStreams: Sendable {
    /// Resolves, connects and, for a secured address, shakes hands; all of it within `patience`.
    /// Cancelling the task gives up at once.
    func open(_ address: StreamAddress, within patience: Duration) async throws(StreamFailure) -> any ByteStream
}

/// Whom to call, and how the line is to be guarded.
package struct StreamAddress: Hashable, Sendable {
    /// A name, or an IP address as digits.
    package var host: String
    package var port: UInt16
    /// TLS 1.2 or later, the certificate verified against the machine's authorities and `host`.
    package var isSecured: Bool
    /// The operator's word that any certificate will do: a PBX in the same rack with one that it signed itself.
    /// Without `isSecured` it means nothing.
    package var trustsAnyCertificate: Bool

    package init(host: String, port: UInt16, isSecured: Bool = false, trustsAnyCertificate: Bool = false) {
        self.host = host
        self.port = port
        self.isSecured = isSecured
        self.trustsAnyCertificate = trustsAnyCertificate
    }

    /// `host:port`, for messages; an IPv6 address stands in brackets.
    package var place: String { host.contains(":") ? "[\(host)]:\(port)" : "\(host):\(port)" }
}

/// An open stream. One task reads and one writes at a time; they may be different ones.
///
/// What was received is kept within a bound: when nobody reads, the other side is made to wait.
/// A stream that is let go of closes.
package protocol ByteStream: AnyObject, Sendable {
    /// The next bytes, at least one; empty when the other side has ended.
    ///
    /// Waits at most `patience`, then throws `.late`: the stream lives on. Cancelling the task ends the wait at once with
    /// `.cancelled`, and the stream lives on as well.
    func read(within patience: Duration) async throws(StreamFailure) -> [UInt8]

    /// Hands the bytes to the other side; waits while its window is full.
    ///
    /// After `.late` or `.cancelled` a part of them may have left: nothing sensible can follow but `close()`.
    func write(_ bytes: [UInt8], within patience: Duration) async throws(StreamFailure)

    /// Ends the stream, from any thread, as often as one likes. Whoever waits on it gets `.ended`.
    func close()
}

/// Why a stream could not be opened, read or written.
package struct StreamFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// The host's name is unknown.
        case resolve
        /// Nobody accepts there.
        case connect
        /// The two could not agree on TLS, or the certificate is not to be trusted.
        case tls
        /// It took longer than the caller's patience.
        case late
        /// Broken off by the other side or the network, or closed by this one.
        case ended
        /// The waiting task was cancelled.
        case cancelled
    }

    package var code: Code
    /// `host:port`.
    package var place: String
    /// In plain words; never what was sent or received.
    package var reason: String

    package init(_ code: Code, at place: String, _ reason: String) {
        self.code = code
        self.place = place
        self.reason = reason
    }

    package var description: String { "\(place): \(reason)" }
}
