import CSystem
import Glibc

extension TemporaryFolder {
    /// Makes a key and a certificate of its own: `cert.pem` and `key.pem`.
    /// - Parameters:
    ///   - from: seconds from now on which it is valid.
    ///   - until: seconds from now up to which it is.
    package func writeCertificate(for name: String, from: Int = -3600, until: Int = 86_400) throws {
        guard let key = csys_test_key(), let certificate = csys_test_certificate_valid(key, name, from, until) else {
            throw SystemFailure("no certificate")
        }
        defer {
            X509_free(certificate)
            EVP_PKEY_free(key)
        }
        try write("cert.pem") { PEM_write_X509($0, certificate) }
        try write("key.pem") { PEM_write_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    private func write(_ name: String, _ body: (UnsafeMutablePointer<FILE>) -> Int32) throws {
        guard let file = fopen("\(path)/\(name)", "w") else { throw SystemFailure.last(name) }
        defer { fclose(file) }
        guard body(file) == 1 else { throw SystemFailure("\(name) was not written") }
    }
}
