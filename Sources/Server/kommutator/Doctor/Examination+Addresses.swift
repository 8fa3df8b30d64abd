import Connector
import Gateway
import Glibc
import Network

/// Can it be reached? Asked at its own addresses, and where providers ask.
extension Examination {
    private static let health = "/healthz"

    // MARK: Its own addresses

    var ports: [Finding] {
        switch gateway {
        case .running(let present):
            let ports = present.listen.map { answer(at: $0, present) }
            return ports.isEmpty ? [.bad("port", "it listens nowhere", remedy: "it is ending; start it again")] : ports
        case .absent: return settings.listen.map(freedom)
        // Whether a port is ours, nobody can say.
        case .forbidden, .silent: return []
        }
    }

    /// Asks the gateway as a neighbour on this machine would.
    private func answer(at address: SocketAddress, _ present: RunningGateway.Present) -> Finding {
        let reachable = SocketAddress(address.ip.neighbour, port: address.port)
        let target = WebAddress(isSecure: present.isSecure, host: publicHost ?? reachable.ip.description, port: address.port)
        do {
            let answer = try AddressProbe(target).get(Self.health, at: reachable)
            guard answer.status == 200, Self.version(in: answer.body) != nil else {
                return .bad("port", "\(address) answers \(answer.status)", remedy: "see the gateway's log")
            }
            if let stale = staleCertificate(answer.certificate) { return stale }
            return .good("port", "\(address) answers" + (present.isSecure ? ", with TLS" : ""))
        } catch {
            return .bad("port", "\(error)", remedy: "see the gateway's log; look for a firewall on this machine")
        }
    }

    private func freedom(_ address: SocketAddress) -> Finding {
        do {
            try TCPListener(on: address).close()
            return .good("port", "\(address) is free")
        } catch let error as NetworkError where error.errno == EACCES {
            return .bad(
                "port", "\(address) may not be used by this user",
                remedy: "ports below 1024 need root or CAP_NET_BIND_SERVICE; or choose another with --listen")
        } catch {
            return .bad("port", "\(error)", remedy: "choose another with --listen")
        }
    }

    /// A file that was renewed without telling the gateway.
    private func staleCertificate(_ served: Certificate?) -> Finding? {
        guard let served, let tls = settings.tls, let own = try? Certificate(pemFile: tls.certificate), !own.isSame(as: served)
        else { return nil }
        return .odd(
            "certificate", "the gateway serves another one than \(tls.certificate) holds",
            remedy: "kill -HUP \(gateway.present?.pid ?? 0)")
    }

    // MARK: The public address

    /// The host that providers know.
    var publicHost: String? { settings.publicURL.flatMap { WebAddress($0) }?.host }

    var publicAddress: [Finding] {
        let subject = "public address"
        guard let text = settings.publicURL else {
            return [.good(subject, "none is named; set `public_url` in kommutator.yaml, and it is asked too")]
        }
        guard let target = WebAddress(text) else {
            return [.bad(subject, "\(text) cannot be read", remedy: "write https://host, perhaps with port and path")]
        }
        let probe = AddressProbe(target)
        do {
            let findings = try probe.addresses().flatMap { judge(target, probe, $0) }
            guard !target.isSecure else { return findings }
            return findings + [.odd(subject, "\(text) is without TLS", remedy: "providers need https://")]
        } catch {
            return [.bad(subject, "\(error)", remedy: "providers look the name up too: mend its DNS entry, or `public_url`")]
        }
    }

    private func judge(_ target: WebAddress, _ probe: AddressProbe, _ address: SocketAddress) -> [Finding] {
        let subject = "public address"
        let place = "\(target)\(Self.health) at \(address)"
        do {
            let answer = try probe.get(Self.health, at: address)
            return [judge(answer, place)] + judge(answer.certificate, distrust: answer.distrust, target)
        } catch {
            return [
                .bad(
                    subject, "\(place): \(error)",
                    remedy: "check port forwarding, firewall and proxy; from inside some routers it cannot work: try from outside"
                )
            ]
        }
    }

    private func judge(_ answer: AddressProbe.Answer, _ place: String) -> Finding {
        let subject = "public address"
        let version = Self.version(in: answer.body)
        switch (answer.status, version) {
        case (200, let version?):
            guard let present = gateway.present, present.version != version else { return .good(subject, "\(place) answers") }
            return .odd(
                subject, "\(place) is a gateway of version \(version), here runs \(present.version)",
                remedy: "does the proxy lead to another machine?")
        case (300...399, _):
            return .odd(
                subject, "\(place) answers \(answer.status), a redirect: providers do not follow it",
                remedy: "name the address it leads to, in `public_url` and at the provider")
        default:
            return .odd(
                subject, "\(place) answers \(answer.status), and not as a gateway does",
                remedy: "let the proxy pass on \(Self.health) besides /hooks/; check where it leads")
        }
    }

    private func judge(_ certificate: Certificate?, distrust: String?, _ target: WebAddress) -> [Finding] {
        guard let certificate else { return [] }
        let subject = "public certificate"
        if let distrust {
            let remedy = "providers would refuse it: serve a chain of a public authority, leaf first, for \(target.host)"
            return [.bad(subject, "is not trusted: \(distrust)", remedy: remedy)]
        }
        return [validity(of: certificate, subject, "trusted, for \(target.host)")]
    }

    /// The version that `/healthz` names.
    private static func version(in body: [UInt8]) -> String? {
        // A proxy may have sent it in chunks: the object is what lies between the braces.
        guard let start = body.firstIndex(of: UInt8(ascii: "{")), let end = body.lastIndex(of: UInt8(ascii: "}")), start < end,
            let health = try? JSONValue(parsing: Array(body[start...end]))
        else { return nil }
        return health["version"]?.string
    }
}

// MARK: - Certificate

extension Examination {
    private static let renewal: Int64 = 14 * 86_400

    /// The files under `tls:`.
    var certificate: [Finding] {
        guard let tls = settings.tls else { return [] }
        let subject = "certificate"
        do {
            _ = try TLSContext(TLSIdentity(certificatePath: tls.certificate, keyPath: tls.key))
            let certificate = try Certificate(pemFile: tls.certificate)
            return [validity(of: certificate, subject, tls.certificate)] + fitness(of: certificate, subject) + keyRights(tls.key)
        } catch {
            let refusals = [tls.certificate, tls.key].compactMap { FileRights($0).refusal(of: R_OK, called: "read") }
            if let refusal = refusals.first { return [.bad(subject, refusal, remedy: Self.asItsUser)] }
            return [.bad(subject, "\(error)", remedy: "name the right files under `tls:`")]
        }
    }

    func validity(of certificate: Certificate, _ subject: String, _ name: String) -> Finding {
        let now = SystemClock().now()
        let (from, until) = (Instant(unixSeconds: certificate.validFrom), Instant(unixSeconds: certificate.validUntil))
        if now > until { return .bad(subject, "\(name): expired at \(until)", remedy: "renew it, then send SIGHUP") }
        if now < from { return .bad(subject, "\(name): not valid before \(from)", remedy: "check this machine's clock") }
        let words = "\(name), valid until \(until)"
        guard until.milliseconds(since: now) < Self.renewal * 1000 else { return .good(subject, words) }
        return .odd(subject, words, remedy: "renew it soon, then send SIGHUP")
    }

    private func fitness(of certificate: Certificate, _ subject: String) -> [Finding] {
        var findings: [Finding] = []
        if certificate.isSelfSigned {
            findings.append(
                .odd(subject, "is signed by itself", remedy: "providers trust only those of a public authority, as Let's Encrypt")
            )
        }
        if let host = publicHost, !certificate.covers(host) {
            findings.append(.bad(subject, "is not for \(host)", remedy: "get one for that name, or mend `public_url`"))
        }
        return findings
    }

    private func keyRights(_ key: String) -> [Finding] {
        guard FileRights(key).isOpenToEverybody else { return [] }
        return [.odd("certificate", "every user of this machine may read \(key)", remedy: "chmod 600 \(key)")]
    }
}

extension IPAddress {
    /// Where this machine itself reaches a listener on this address: the loopback for `0.0.0.0` and `::`.
    fileprivate var neighbour: IPAddress {
        if self == IPAddress(v4: 0) { return .loopbackV4 }
        return self == IPAddress(high: 0, low: 0) ? .loopbackV6 : self
    }
}
