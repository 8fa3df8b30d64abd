import Glibc
import HTTPServer
import Network
import TestSupport
import Testing

/// Looking at servers, on the loopback.
@Suite(.onItsOwnThread) struct AddressProbeTests {
    private func probe(_ address: SocketAddress, secure: Bool = false, host: String? = nil) -> AddressProbe {
        AddressProbe(WebAddress(isSecure: secure, host: host ?? address.ip.description, port: address.port))
    }

    @Test func `an answer comes with its status and body`() async throws {
        try await withServer { _, address in
            let answer = try probe(address).get("/hello", at: address)
            #expect(answer.status == 200)
            #expect(String(decoding: answer.body, as: UTF8.self) == "hello")
            #expect(answer.certificate == nil)
            #expect(try probe(address).get("/nowhere", at: address).status == 404)
        }
    }

    @Test func `nobody there, or nobody who speaks, is said with the address`() throws {
        let listener = try TCPListener(on: SocketAddress("127.0.0.1:0"))
        let silent = AddressProbe(
            WebAddress(isSecure: false, host: "127.0.0.1", port: listener.address.port), deadline: .milliseconds(50))
        let late = #expect(throws: NetworkError.self) { try silent.get("/", at: listener.address) }
        #expect(late?.description == "\(listener.address): waiting for an answer: Connection timed out")
        listener.close()
        let gone = #expect(throws: NetworkError.self) { try silent.get("/", at: listener.address) }
        #expect(gone?.description == "\(listener.address): connecting: Connection refused")
    }

    @Test func `a certificate is told with what is wrong with it`() async throws {
        let identity = try TestIdentity("gateway.test")
        try await withServer(tls: identity.identity) { _, address in
            let answer = try probe(address, secure: true, host: "gateway.test").get("/hello", at: address)
            #expect(answer.status == 200)
            #expect(answer.distrust == "self-signed certificate")
            let certificate = try #require(answer.certificate)
            #expect(certificate.isSame(as: try Certificate(pemFile: identity.identity.certificatePath)))
            #expect(certificate.isSelfSigned)
        }
    }

    @Test func `plain talk to TLS, and TLS to plain talk, is no answer`() async throws {
        let identity = try TestIdentity("gateway.test")
        try await withServer(tls: identity.identity) { _, address in
            #expect(throws: NetworkError.self) { try probe(address).get("/hello", at: address) }
        }
        try await withServer { _, address in
            #expect(throws: NetworkError.self) { try probe(address, secure: true).get("/hello", at: address) }
        }
    }

    @Test func `addresses of a literal are itself, and a name that cannot be has none`() throws {
        let literal = AddressProbe(WebAddress(isSecure: true, host: "2001:db8::1", port: 8443))
        #expect(try literal.addresses().map(\.description) == ["[2001:db8::1]:8443"])
        let local = AddressProbe(WebAddress(isSecure: true, host: "localhost", port: 443))
        #expect(try local.addresses().allSatisfy { $0.ip.isLoopback && $0.port == 443 })
        let impossible = AddressProbe(WebAddress(isSecure: true, host: "no..such", port: 443))
        let error = #expect(throws: NetworkError.self) { try impossible.addresses() }
        #expect(error?.description.hasPrefix("no..such: ") == true)
    }
}

struct WebAddressTests {
    @Test(
        arguments: [
            ("https://pbx.example", "pbx.example", 443, "", "pbx.example"),
            ("http://pbx.example/", "pbx.example", 80, "", "pbx.example"),
            ("https://pbx.example:8443/gate/", "pbx.example", 8443, "/gate", "pbx.example:8443"),
            ("https://[2001:db8::1]", "2001:db8::1", 443, "", "[2001:db8::1]"),
            ("http://[::1]:8080/a/b", "::1", 8080, "/a/b", "[::1]:8080"),
            ("http://127.0.0.1:80", "127.0.0.1", 80, "", "127.0.0.1"),
        ] as [(String, String, UInt16, String, String)])
    func `an address is taken apart`(text: String, host: String, port: UInt16, path: String, authority: String) throws {
        let address = try #require(WebAddress(text))
        #expect(address.isSecure == text.hasPrefix("https"))
        #expect(address.host == host)
        #expect(address.port == port)
        #expect(address.path == path)
        #expect(address.authority == authority)
    }

    @Test(arguments: [
        "pbx.example", "ftp://pbx.example", "https://", "https:///path", "https://pbx.example:99999", "https://pbx.example:",
        "https://user@pbx.example", "https://pbx.example/?a", "https://::1/", "https://[]/",
    ])
    func `anything else is none`(text: String) {
        #expect(WebAddress(text) == nil)
    }
}

struct CertificateTests {
    @Test func `times and names are read`() throws {
        let folder = try TemporaryFolder()
        try folder.writeCertificate(for: "*.pbx.example", from: -7200, until: 3600)
        let certificate = try Certificate(pemFile: folder.path + "/cert.pem")
        #expect(certificate.validUntil - certificate.validFrom == 10_800)
        #expect(abs(certificate.validUntil - Int64(time(nil)) - 3600) < 60)
        #expect(certificate.covers("sip.pbx.example"))
        #expect(!certificate.covers("pbx.example"))
        #expect(!certificate.covers("127.0.0.1"))
    }

    @Test func `what is none is refused with its name`() throws {
        let folder = try TemporaryFolder()
        try folder.write("not a certificate", to: "cert.pem")
        for (name, words) in [("cert.pem", "holds none in PEM"), ("gone.pem", "No such file")] {
            let error = #expect(throws: NetworkError.self) { try Certificate(pemFile: folder.path + "/" + name) }
            #expect(error?.description.contains("\(folder.path)/\(name): \(words)") == true)
        }
    }
}
