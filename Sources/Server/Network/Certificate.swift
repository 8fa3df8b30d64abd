import CSystem
import Glibc

/// An X.509 certificate, to be looked at.
package final class Certificate: Sendable {
    /// Only read after `init`; OpenSSL locks what it computes of it later.
    nonisolated(unsafe) private let handle: OpaquePointer

    /// The first certificate of a PEM file: in a chain, the server's own.
    /// - Throws: `NetworkError.certificate` naming the file.
    package convenience init(pemFile path: String) throws(NetworkError) {
        guard let file = fopen(path, "re") else { throw NetworkError(.certificate, "certificate \(path)", errno: errno) }
        defer { fclose(file) }
        guard let handle = PEM_read_X509(file, nil, nil, nil) else {
            ERR_clear_error()
            throw NetworkError(.certificate, "certificate \(path): holds none in PEM", hint: "a PEM chain, leaf first")
        }
        self.init(owning: handle)
    }

    /// Takes over a reference.
    init(owning handle: OpaquePointer) { self.handle = handle }

    deinit { X509_free(handle) }

    /// Seconds since 1970.
    package var validFrom: Int64 { csys_certificate_time(X509_get0_notBefore(handle)) }
    /// Seconds since 1970.
    package var validUntil: Int64 { csys_certificate_time(X509_get0_notAfter(handle)) }
    /// Whether its own key signed it: nobody trusts it who does not know it.
    package var isSelfSigned: Bool { X509_self_signed(handle, 0) == 1 }

    /// Whether it is for this name or address (RFC 6125, wildcards included).
    package func covers(_ host: String) -> Bool {
        IPAddress(host) != nil
            ? X509_check_ip_asc(handle, host, 0) == 1 : X509_check_host(handle, host, host.utf8.count, 0, nil) == 1
    }

    package func isSame(as other: Certificate) -> Bool { X509_cmp(handle, other.handle) == 0 }
}
