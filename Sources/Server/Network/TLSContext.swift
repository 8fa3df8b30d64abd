import CSystem

/// Where a server's certificate chain and private key lie, both PEM.
package struct TLSIdentity: Hashable, Sendable {
    package var certificatePath: String
    package var keyPath: String

    package init(certificatePath: String, keyPath: String) {
        self.certificatePath = certificatePath
        self.keyPath = keyPath
    }
}

/// A loaded identity: TLS 1.2 and 1.3, session cache and tickets. Immutable; a reload makes a new one for new connections.
package final class TLSContext: Sendable {
    /// `SSL_CTX` counts its references and locks its session cache itself, so that loops may share it.
    nonisolated(unsafe) let context: OpaquePointer

    /// Reads and checks certificate and key.
    /// - Throws: `NetworkError.certificate` or `.privateKey`, naming the file and OpenSSL's reason.
    package init(_ identity: TLSIdentity) throws {
        guard let context = csys_tls_server_context() else { throw NetworkError(.tls, Self.failure("TLS context")) }
        self.context = context
        guard SSL_CTX_use_certificate_chain_file(context, identity.certificatePath) == 1 else {
            throw NetworkError(
                .certificate, Self.failure("certificate \(identity.certificatePath)"), hint: "a PEM chain, leaf first")
        }
        guard SSL_CTX_use_PrivateKey_file(context, identity.keyPath, SSL_FILETYPE_PEM) == 1 else {
            throw NetworkError(
                .privateKey, Self.failure("private key \(identity.keyPath)"), hint: "the PEM key of the certificate")
        }
        guard SSL_CTX_check_private_key(context) == 1 else {
            throw NetworkError(
                .privateKey, Self.failure("private key \(identity.keyPath)"), hint: "it does not fit \(identity.certificatePath)")
        }
    }

    deinit { SSL_CTX_free(context) }

    /// A server-side stream over a connected, non-blocking socket; nil when memory is out.
    package func makeStream(descriptor: Int32) -> TLSStream? {
        guard let session = SSL_new(context) else { return nil }
        SSL_set_fd(session, descriptor)
        SSL_set_accept_state(session)
        return TLSStream(session: session)
    }

    private static func failure(_ what: String) -> String {
        withUnsafeTemporaryAllocation(of: CChar.self, capacity: 256) { text in
            guard let start = text.baseAddress else { return what }
            start.initialize(repeating: 0, count: text.count)
            csys_tls_take_error(start, text.count)
            return "\(what): \(String(cString: start))"
        }
    }
}

/// One TLS connection; trivial, owned by whoever calls `end()`.
package struct TLSStream {
    let session: OpaquePointer

    /// How far a handshake has come.
    package enum Handshake {
        case done, pending, failed
    }

    package func handshake() -> Handshake {
        let result = SSL_do_handshake(session)
        guard result != 1 else { return .done }
        return outcome(of: result) == .wouldBlock ? .pending : .failed
    }

    /// Whether what was last tried waits for the socket to take bytes, rather than to have some.
    package var wantsToWrite: Bool { SSL_want(session) == SSL_WRITING }

    /// Why a handshake came to nothing, as far as it was the certificate: in OpenSSL's words. `nil` where it was not.
    package var distrust: String? {
        let judgement = SSL_get_verify_result(session)
        return judgement == Int(X509_V_OK) ? nil : String(cString: X509_verify_cert_error_string(judgement))
    }

    /// Reads decrypted bytes; keep reading until `.wouldBlock`: OpenSSL may hold more than the socket shows.
    package func receive(into buffer: UnsafeMutableRawBufferPointer) -> IOOutcome {
        let count = SSL_read(session, buffer.baseAddress, Int32(clamping: buffer.count))
        return count > 0 ? .bytes(Int(count)) : outcome(of: count)
    }

    /// True while OpenSSL holds bytes, decrypted or not, that came from the socket.
    package var hasPending: Bool { SSL_has_pending(session) == 1 }

    /// Writes; may take a part. After `.wouldBlock` the same bytes must be offered again, from any place in memory.
    package func send(_ bytes: UnsafeRawBufferPointer) -> IOOutcome {
        let count = SSL_write(session, bytes.baseAddress, Int32(clamping: bytes.count))
        return count > 0 ? .bytes(Int(count)) : outcome(of: count)
    }

    /// Says goodbye (else the session could not be resumed).
    package func shutDown() {
        if SSL_is_init_finished(session) == 1, SSL_shutdown(session) < 0 { ERR_clear_error() }
    }

    /// Says goodbye and frees; the stream must not be used again.
    package func end() {
        shutDown()
        SSL_free(session)
    }

    private func outcome(of result: Int32) -> IOOutcome {
        let error = SSL_get_error(session, result)
        ERR_clear_error()
        switch error {
        case SSL_ERROR_WANT_READ, SSL_ERROR_WANT_WRITE: return .wouldBlock
        case SSL_ERROR_ZERO_RETURN: return .ended
        default: return .failed
        }
    }
}
