import Connector
import Glibc
import Testing
import TestSupport

extension EndToEnd {
    /// `kommutator doctor`: what it finds, and what it must not confuse.
    struct DoctorTests {
        @Test(.timeLimit(.minutes(1)))
        func `a gateway that is well is found well, by whoever asks from wherever`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open()
            #expect(Provider(gateway).send(MangoCall("d", at: "mango").missed.requests[0]) == 200)
            try CRMClient(gateway, key: premises.makeKey()).waitForLedger()
            // The gateway has its secrets; that this process lacks one is no fault of the connection.
            let report = try Report(premises, launcher: ["env", "-u", "KOMMUTATOR_TEST_MANGO_KEY"], exits: 0)
            #expect(report["gateway"]?.detail.contains("version 0.1.0, process \(gateway.pid)") == true)
            #expect(report["port"]?.detail == "127.0.0.1:\(gateway.port) answers")
            #expect(report.all("connection mango").map(\.result) == ["ok", "ok"])
            #expect(report["connection mango"]?.detail.hasSuffix(", decoded") == true)
            #expect(report.all("connection mango").last?.detail == "its clock and this machine's agree, by 1 events")
            #expect(report["connection zadarma"]?.result == "warn")
            #expect(report["connection zadarma"]?.remedy == "give it the address https://YOUR-HOST/hooks/zadarma")
            #expect(report.all("settings").isEmpty)
        }

        @Test(.timeLimit(.minutes(1)))
        func `without a gateway the settings are read here, and the ports are tried`() throws {
            let premises = try GatewayPremises(options: ["--listen", "127.0.0.1:0"])
            let report = try Report(premises, exits: 0)
            #expect(report["gateway"]?.detail == "does not run on \(premises.data)")
            #expect(report["port"]?.detail == "127.0.0.1:0 is free")
            let poor = try Report(premises, launcher: ["env", "-u", "KOMMUTATOR_TEST_MANGO_KEY"], exits: 1)
            #expect(poor["settings"]?.detail.contains("`KOMMUTATOR_TEST_MANGO_KEY` is not set") == true)
            #expect(poor.all("connection mango").isEmpty)
        }

        @Test(.enabled(if: LesserUser.isPossible, "needs a user whom rights bind"), .timeLimit(.minutes(1)))
        func `what this user may not read is said to be that, and not to be absent`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open()
            #expect(Provider(gateway).send(MangoCall("d", at: "mango").missed.requests[0]) == 200)
            chmod(premises.data, 0)
            defer { chmod(premises.data, 0o700) }
            let report = try Report(premises, launcher: LesserUser.launcher, exits: 1)
            #expect(report["gateway"]?.detail == "\(premises.data)/admin.sock may not be used by this user")
            #expect(report["gateway"]?.remedy?.contains("sudo -u USER kommutator doctor") == true)
            #expect(report["data folder"]?.detail.contains("may not be read and written by this user; it is ") == true)
            #expect(report["connection mango"]?.detail == "the journal cannot be read")
            #expect(report.all("port").isEmpty)
            chmod(premises.adapters, 0)
            defer { chmod(premises.adapters, 0o700) }
            let blind = try Report(premises, launcher: LesserUser.launcher, exits: 1)
            #expect(blind["settings"]?.detail.contains("the folder of connections may not be read by this user") == true)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a gateway that does not answer is not waited for without end`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open()
            gateway.kill(SIGSTOP)
            defer { gateway.kill(SIGCONT) }
            let report = try Report(premises, exits: 1)
            #expect(report["gateway"]?.detail == "the gateway runs, but gave no answer in 5 seconds")
        }

        @Test(.timeLimit(.minutes(1)))
        func `rights that are too wide are told`() throws {
            let premises = try GatewayPremises()
            chmod(premises.data, 0o755)
            chmod(premises.adapters + "/secrets/mango-salt", 0o644)
            chmod(premises.adapters + "/secrets/zadarma-secret", 0o600)
            let report = try Report(premises, exits: 0)
            #expect(report.all("data folder").map(\.remedy).contains("chmod 700 \(premises.data)"))
            #expect(report.all("secrets").map(\.remedy) == ["chmod 600 \(premises.adapters)/secrets/mango-salt"])
        }

        @Test(.timeLimit(.minutes(1)))
        func `a refusal, a wrong clock and an unreadable request are told with what would help`() throws {
            let premises = try GatewayPremises()
            try premises.write(
                "closed",
                """
                adapter: mango
                settings: {api_key: env:KOMMUTATOR_TEST_MANGO_KEY, api_salt: file:secrets/mango-salt, allow_from: 203.0.113.7}
                reconcile: false
                """)
            let gateway = try premises.open()
            let provider = Provider(gateway)
            #expect(provider.send(MangoCall("c", at: "closed").missed.requests[0]) == 403)
            // This call is told at once, and so its later events seem to come from the future.
            #expect(provider.play(MangoCall("m", at: "mango").missed).allSatisfy { $0 == 200 })
            try premises.writeMango("odd")
            #expect(gateway.log.count(of: "event=connections.loaded", reaching: 2, within: .seconds(20)) == 2)
            #expect(provider.send(MangoCall.request("nonsense", at: "odd", mark: "odd")) == 200)
            try CRMClient(gateway, key: premises.makeKey()).waitForLedger()
            let report = try Report(premises, exits: 0)
            #expect(report.all("connection closed").map(\.result) == ["warn", "warn"])
            #expect(report.all("connection closed").last?.detail.hasSuffix(": address not allowed") == true)
            #expect(report.all("connection closed").last?.remedy?.contains("`trusted_proxies`") == true)
            #expect(report.all("connection mango").last?.result == "warn")
            #expect(report.all("connection mango").last?.detail.hasSuffix("s ahead of this machine's clock") == true)
            #expect(report["connection odd"]?.detail.contains(", undecoded: ") == true)
        }

        @Test(.timeLimit(.minutes(1)))
        func `the connections of a demo are looked at where they are`() throws {
            let folder = try TemporaryFolder()
            let demo = try GatewayProcess(serving: ["--demo", "--data", folder.path])
            let made = try GatewayProcess.run(["doctor", "--data", folder.path, "--output", "json"])
            let report = try Report(made, exits: 0)
            #expect(!report.all("connection demo-mango").isEmpty)
            #expect(!report.all("connection demo-zadarma").isEmpty)
            #expect(report["connections"]?.detail == "the gateway was started with those of \(folder.path)/demo")
            demo.kill(SIGTERM)
            #expect(demo.waitForEnd() == .exited(0))
        }

        // MARK: Addresses and certificates

        @Test(.timeLimit(.minutes(1)))
        func `the public address is asked as providers would`() throws {
            let server = try Settings("")
            let gateway = try server.premises.open()
            try server.write("public_url: http://127.0.0.1:\(gateway.port)\n")
            let reached = try Report(server.premises, exits: 0)
            #expect(reached.all("public address").map(\.result) == ["ok", "warn"])
            #expect(
                reached["public address"]?.detail
                    == "http://127.0.0.1:\(gateway.port)/healthz at 127.0.0.1:\(gateway.port) answers")
            #expect(reached["connection mango"]?.remedy == "give it the address http://127.0.0.1:\(gateway.port)/hooks/mango")
            try server.write("public_url: http://127.0.0.1:\(gateway.port)/elsewhere\n")
            let lost = try Report(server.premises, exits: 0)
            #expect(lost["public address"]?.detail.hasSuffix(" answers 404, and not as a gateway does") == true)
            try server.write("public_url: http://127.0.0.1:1\n")
            let closed = try Report(server.premises, exits: 1)
            #expect(closed["public address"]?.detail.contains("connecting: Connection refused") == true)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a certificate that nobody trusts, or for another name, is found in the file and at the address`() throws {
            let server = try Settings("tls: {cert: cert.pem, key: key.pem}\n")
            try server.folder.writeCertificate(for: "localhost")
            chmod(server.folder.path + "/key.pem", 0o600)
            let gateway = try server.premises.open()
            let address = "public_url: https://localhost:\(gateway.port)\n"
            try server.write("tls: {cert: cert.pem, key: key.pem}\n" + address)
            let report = try Report(server.premises, exits: 1)
            #expect(report["port"]?.detail == "127.0.0.1:\(gateway.port) answers, with TLS")
            #expect(report["public certificate"]?.detail == "is not trusted: self-signed certificate")
            #expect(report.all("certificate").map(\.result) == ["warn", "warn"], "of one day, and signed by itself")
            let trusting = ["env", "SSL_CERT_FILE=\(server.folder.path)/cert.pem"]
            let trusted = try Report(server.premises, launcher: trusting, exits: 0)
            #expect(trusted["public certificate"]?.detail.hasPrefix("trusted, for localhost, valid until ") == true)
            try server.folder.writeCertificate(for: "other.test", until: 90 * 86_400)
            let renewed = try Report(server.premises, launcher: trusting, exits: 1)
            #expect(renewed.all("certificate").contains { $0.remedy == "kill -HUP \(gateway.pid)" })
            #expect(renewed.all("certificate").contains { $0.detail == "is not for localhost" })
        }

        @Test(.timeLimit(.minutes(1)))
        func `an expired certificate, and a key that does not fit, are found without a gateway`() throws {
            let server = try Settings("listen: 127.0.0.1:0\ntls: {cert: cert.pem, key: key.pem}\n")
            try server.folder.writeCertificate(for: "pbx.example", from: -7200, until: -3600)
            let expired = try Report(server.premises, exits: 1)
            #expect(expired["certificate"]?.detail.contains("cert.pem: expired at ") == true)
            let other = try TemporaryFolder()
            try other.writeCertificate(for: "pbx.example")
            try server.write("listen: 127.0.0.1:0\ntls: {cert: cert.pem, key: \(other.path)/key.pem}\n")
            let unfit = try Report(server.premises, exits: 1)
            #expect(unfit["certificate"]?.detail.contains("key values mismatch") == true)
        }
    }
}

/// Premises with a file of the server's own settings.
private struct Settings {
    let folder: TemporaryFolder
    let premises: GatewayPremises

    init(_ text: String) throws {
        folder = try TemporaryFolder()
        premises = try GatewayPremises(options: ["--config", folder.path + "/kommutator.yaml"])
        try write(text)
    }

    func write(_ text: String) throws { try folder.write(text, to: "kommutator.yaml") }
}

/// Somebody whom the rights of files bind: root without his privileges, else whoever runs the tests.
private enum LesserUser {
    static let launcher = geteuid() == 0 ? ["setpriv", "--bounding-set=-dac_override,-dac_read_search"] : []

    static var isPossible: Bool {
        do {
            return try GatewayProcess.run(command: launcher + ["true"]).end == .exited(0)
        } catch {
            // No `setpriv` here: the test says that it was left out.
            return false
        }
    }
}

/// What `doctor --output json` said.
private struct Report {
    struct Finding {
        var result: String
        var subject: String
        var detail: String
        var remedy: String?
    }

    private let findings: [Finding]

    init(_ premises: GatewayPremises, launcher: [String] = [], exits status: Int32) throws {
        try self.init(premises.command(["doctor", "--output", "json"], launcher: launcher), exits: status)
    }

    init(_ made: (end: GatewayProcess.End?, output: [String], complaints: String), exits status: Int32) throws {
        let text = made.output.joined(separator: "\n")
        #expect(made.end == .exited(status), "\(text)\n\(made.complaints)")
        findings = try JSONValue(parsing: text).elements.map { finding in
            Finding(
                result: finding["result"]?.string ?? "", subject: finding["subject"]?.string ?? "",
                detail: finding["detail"]?.string ?? "", remedy: finding["remedy"]?.string)
        }
        #expect(findings.allSatisfy { ($0.remedy == nil) == ($0.result == "ok") })
    }

    func all(_ subject: String) -> [Finding] { findings.filter { $0.subject == subject } }

    subscript(subject: String) -> Finding? { all(subject).first }
}
