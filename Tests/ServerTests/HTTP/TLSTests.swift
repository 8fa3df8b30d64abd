import CSystem
import Glibc
import Network
import Testing

@testable import HTTPServer

/// HTTPS with certificates made for the test.
struct TLSTests {
    @Test(arguments: [(csys_tls_1_2, "TLSv1.2"), (csys_tls_1_3, "TLSv1.3")])
    func `both versions of TLS are spoken, and large bodies pass`(version: Int32, name: String) async throws {
        let identity = try TestIdentity("gateway.test")
        try await withServer(tls: identity.identity) { _, address in
            let client = try RawClient(address)
            try client.startTLS(version)
            #expect(client.tlsVersion == name)
            let body = String(repeating: "0123456789", count: 50_000)
            for _ in 0..<3 {
                let answer = try client.exchange(
                    "POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: \(body.utf8.count)\r\n\r\n\(body)")
                #expect(answer.text == body)
            }
        }
    }

    @Test(arguments: [csys_tls_1_2, csys_tls_1_3])
    func `a session is resumed`(version: Int32) async throws {
        let identity = try TestIdentity("gateway.test")
        try await withServer(tls: identity.identity) { server, address in
            let first = try RawClient(address)
            try first.startTLS(version)
            #expect(try first.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").text == "hello")
            let session = first.takeSession()
            defer { SSL_SESSION_free(session) }
            let second = try RawClient(address)
            try second.startTLS(version, session: session)
            #expect(second.wasResumed)
            #expect(try second.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").text == "hello")
            #expect(server.statistics.handshakesCompleted == 2)
        }
    }

    @Test func `a reload gives new connections the new certificate, and a broken one changes nothing`() async throws {
        let identity = try TestIdentity("old.test")
        try await withServer(tls: identity.identity) { server, address in
            let old = try RawClient(address)
            try old.startTLS(0)
            #expect(old.serverName == "old.test")
            try identity.replace(by: "new.test")
            try await server.reloadTLS()
            _ = try old.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            let new = try RawClient(address)
            try new.startTLS(0)
            #expect(new.serverName == "new.test")
            try identity.spoil()
            let error = await #expect(throws: NetworkError.self) { try await server.reloadTLS() }
            #expect(error?.description.contains(identity.identity.certificatePath) == true)
            let after = try RawClient(address)
            try after.startTLS(0)
            #expect(after.serverName == "new.test")
        }
    }

    @Test func `many clients at once all get through, some handshakes a turn`() async throws {
        let identity = try TestIdentity("gateway.test")
        try await withServer(loops: 2, tls: identity.identity) { _, address in
            let clients = try (0..<40).map { _ in try RawClient(address) }
            for client in clients { try client.startTLS(0) }
            for client in clients { #expect(try client.exchange("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n").text == "hello") }
        }
    }

    @Test func `what is not TLS is closed, as is a handshake that does not come`() async throws {
        let identity = try TestIdentity("gateway.test")
        var limits = HTTPLimits()
        limits.headDeadline = .milliseconds(40)
        try await withServer(limits: limits, tls: identity.identity) { server, address in
            let plain = try RawClient(address)
            try plain.send("GET /hello HTTP/1.1\r\nHost: a\r\n\r\n")
            #expect(try !plain.readToEnd().contains("hello"))
            #expect(try RawClient.readAll(from: address) == "")
            #expect(server.statistics.handshakesFailed == 1)
        }
    }
}

/// A self-signed certificate and its key in files of their own, removed afterwards.
final class TestIdentity {
    let identity: TLSIdentity
    private let folder: String

    init(_ name: String) throws {
        var template = Array("/tmp/tls-test-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw RawClient.Failure(what: "mkdtemp") }
        folder = String(cString: made)
        identity = TLSIdentity(certificatePath: folder + "/certificate.pem", keyPath: folder + "/key.pem")
        try replace(by: name)
    }

    deinit {
        unlink(identity.certificatePath)
        unlink(identity.keyPath)
        rmdir(folder)
    }

    func replace(by name: String) throws {
        guard let key = csys_test_key() else { throw RawClient.Failure(what: "key") }
        defer { EVP_PKEY_free(key) }
        guard let certificate = csys_test_certificate(key, name) else { throw RawClient.Failure(what: "certificate") }
        defer { X509_free(certificate) }
        try write(identity.certificatePath) { PEM_write_X509($0, certificate) }
        try write(identity.keyPath) { PEM_write_PrivateKey($0, key, nil, nil, 0, nil, nil) }
    }

    func spoil() throws { try write(identity.certificatePath) { fputs("not a certificate", $0) } }

    private func write(_ path: String, _ body: (UnsafeMutablePointer<FILE>) -> Int32) throws {
        guard let file = fopen(path, "w") else { throw RawClient.Failure(what: path) }
        defer { fclose(file) }
        guard body(file) >= 0 else { throw RawClient.Failure(what: path) }
    }
}
