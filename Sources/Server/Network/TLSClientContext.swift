import CSystem

/// What a client of ours asks of TLS: 1.2 or later, and a certificate to be trusted or any. Immutable; loops and threads may share it.
package final class TLSClientContext: Sendable {
    /// `SSL_CTX` counts its references; nothing of it is changed after `init`.
    nonisolated(unsafe) private let context: OpaquePointer

    /// Reads the authorities from the disk.
    /// - Parameters:
    ///   - trustsAny: takes any certificate for whatever host.
    ///   - authorities: a PEM file to trust instead of the system's.
    /// - Throws: `NetworkError.tls`.
    package init(trustsAny: Bool = false, authorities: String? = nil) throws(NetworkError) {
        guard let context = csys_tls_stream_context(trustsAny ? 0 : 1, authorities) else {
            throw NetworkError(.tls, "TLS authorities \(authorities ?? "of the system")", hint: "a PEM file that can be read")
        }
        self.context = context
    }

    deinit { SSL_CTX_free(context) }

    /// A client-side stream over a connected, non-blocking socket, for `host`: its certificate is judged by that name or address.
    /// Nil when memory is out.
    package func makeStream(descriptor: Int32, host: String) -> TLSStream? {
        guard let session = SSL_new(context) else { return nil }
        SSL_set_fd(session, descriptor)
        SSL_set_connect_state(session)
        TLSStream.expect(host, of: session)
        return TLSStream(session: session)
    }
}

extension TLSStream {
    /// Names the host that is meant (SNI), and has its certificate judged by it.
    static func expect(_ host: String, of session: OpaquePointer) {
        guard IPAddress(host) == nil else {
            X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(session), host)
            return
        }
        _ = csys_tls_name_host(session, host)
        SSL_set1_host(session, host)
    }
}
