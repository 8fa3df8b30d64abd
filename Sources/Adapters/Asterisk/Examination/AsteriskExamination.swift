import Connector

/// Looks at one server's manager interface as the gateway would find it, and says what to write into manager.conf.
///
/// Changes nothing there. No finding carries the secret.
package struct AsteriskExamination: Sendable {
    /// One thing looked at.
    package struct Finding: Hashable, Sendable {
        package enum Mark: Sendable { case good, odd, bad }

        package var mark: Mark
        package var words: String
        /// What to do; with anything but good.
        package var remedy: String?

        static func good(_ words: String) -> Finding { Finding(mark: .good, words: words) }
        static func odd(_ words: String, remedy: String) -> Finding { Finding(mark: .odd, words: words, remedy: remedy) }
        static func bad(_ words: String, remedy: String) -> Finding { Finding(mark: .bad, words: words, remedy: remedy) }
    }

    private let settings: AsteriskSettings
    private let manager: AsteriskSettings.Manager?
    private let patience: Duration

    /// - Parameter patience: for each step.
    /// - Throws: `SettingsError`.
    package init(_ settings: AdapterSettings, patience: Duration = .seconds(5)) throws(SettingsError) {
        self.settings = try AsteriskSettings(settings)
        manager = self.settings.manager
        self.patience = patience
    }

    package func findings(over streams: any ByteStreams) async -> [Finding] {
        guard let manager else {
            return [.good("no `host` is set: the dialplan alone tells of calls, and there is nothing to connect to")]
        }
        let address = ManagerSession.address(of: manager)
        let stream: any ByteStream
        do throws(StreamFailure) {
            stream = try await streams.open(address, within: patience)
        } catch {
            return [.bad("\(error)", remedy: Self.remedy(error.code, manager))]
        }
        var inquiry = ManagerInquiry(stream, patience: patience)
        var findings: [Finding] = []
        do throws(ManagerInquiry.Obstacle) {
            let version = try await inquiry.greeting()
            findings.append(.good("\(address.place) answers, AMI \(version)"))
            try await inquiry.logIn(manager)
            findings.append(.good("takes our login as \(manager.username)"))
            try await look(&inquiry, manager, &findings)
        } catch {
            findings.append(Self.judge(error, manager, address.place))
        }
        await inquiry.leave()
        return findings
    }

    // MARK: The way there

    private static func remedy(_ code: StreamFailure.Code, _ manager: AsteriskSettings.Manager) -> String {
        switch code {
        case .resolve: "mend `host`, or this machine's DNS"
        case .tls:
            "set `tls: unverified` for a certificate that the PBX signed itself, `tls: off` where manager.conf has no tlsenable"
        case .connect, .late, .ended, .cancelled:
            "in manager.conf, [general]: enabled = yes, bindaddr reachable from here, port = \(manager.port); and look for a firewall"
        }
    }

    private static func judge(
        _ obstacle: ManagerInquiry.Obstacle, _ manager: AsteriskSettings.Manager, _ place: String
    ) -> Finding {
        switch obstacle {
        case .stream(let failure): .bad("\(failure)", remedy: remedy(failure.code, manager))
        case .silent:
            .bad(
                "\(place) accepts connections and does not greet",
                remedy: "it may be restarting: wait; else `port` is another service's")
        case .closed:
            .bad("\(place) closed the connection", remedy: "see `permit` and `deny` in manager.conf, and Asterisk's own log")
        case .fault(let fault):
            .bad("\(place): \(fault)", remedy: "mend `host` and `port`; with TLS the port is another, mostly 5039")
        case .refused(let message):
            .bad(
                "does not take our login as \(manager.username): \(message)",
                remedy:
                    "compare `username` and `secret` with [\(manager.username)] in manager.conf, then `manager reload`; its `permit` must hold"
                    + " our address: Asterisk answers the same to both. Do not try often: it may ban us"
            )
        case .unanswered(let action):
            .bad("\(place) does not answer \(action) in time", remedy: "look how busy the PBX is, then try again")
        }
    }

    // MARK: Inside

    private func look(
        _ inquiry: inout ManagerInquiry, _ manager: AsteriskSettings.Manager, _ findings: inout [Finding]
    ) async throws(ManagerInquiry.Obstacle) {
        var rights = ManagerRights()
        rights.takeList(try await inquiry.ask(ManagerAction("ListCommands")).response)
        // What it says at a login has come by the time of a second answer.
        _ = try await inquiry.ask(ManagerAction("Ping"))
        rights.readsSystem = inquiry.isBooted
        findings += Self.judge(rights, manager)
        findings += judge(try await endpoints(&inquiry, rights))
        for context in Set([settings.originateContext, settings.transferContext]).sorted() {
            findings.append(try await look(at: context, &inquiry, rights))
        }
        findings.append(try await details(&inquiry, rights))
        findings.append(Self.judgeStamps(inquiry.isStamped))
    }

    static func judge(_ rights: ManagerRights, _ manager: AsteriskSettings.Manager) -> [Finding] {
        let missing = rights.missing
        let unknown = "that `read` has call, agent and dtmf cannot be asked: it shows with the first call"
        guard !missing.isEmpty else { return [.good("manager.conf gives all rights that are needed; \(unknown)")] }
        return missing.map { need in
            .odd(
                "`\(need.list)` lacks \(need.word): needed for \(need.purpose)",
                remedy: need.list == "read" && need.word == "system"
                    ? lines(manager) + ", or `read` lacks system" : lines(manager))
        }
    }

    /// What to write.
    private static func lines(_ manager: AsteriskSettings.Manager) -> String {
        "in manager.conf: [\(manager.username)] read = system,call,agent,user,dtmf write = system,call,originate,agent,reporting;"
            + " then `manager reload` and a new login"
    }

    /// Names of endpoints, as far as we may ask for them; `nil` where we may not.
    private func endpoints(
        _ inquiry: inout ManagerInquiry, _ rights: ManagerRights
    ) async throws(ManagerInquiry.Obstacle) -> Set<String>? {
        var names: Set<String> = []
        var mayAsk = false
        for (action, key) in Self.lists where rights.actions.contains(action) {
            mayAsk = true
            let answer = try await inquiry.ask(ManagerAction(action))
            for row in answer.rows {
                guard let name = row[key] else { continue }
                if key.description != "Device" {
                    names.insert(name)
                } else if name.contains("/"), !name.contains(":"), !name.hasPrefix("Local/") {
                    names.insert(PhonePlan.endpoint(of: name + "-"))
                }
            }
        }
        return mayAsk ? names : nil
    }

    private static let lists: [(action: String, key: StaticString)] = [
        ("DeviceStateList", "Device"), ("PJSIPShowEndpoints", "ObjectName"), ("SIPpeers", "ObjectName"),
    ]

    func judge(_ endpoints: Set<String>?) -> [Finding] {
        guard let endpoints else {
            return [.good("trunks and telephones could not be checked: `write` gives no right to list them")]
        }
        let trunks = endpoints.filter { settings.plan.side(of: "PJSIP/\($0)-", number: nil) == .outside }.sorted()
        let phones = endpoints.subtracting(trunks).sorted()
        var findings: [Finding] = []
        if trunks.isEmpty {
            findings.append(
                .odd(
                    "no endpoint is taken for a trunk",
                    remedy: "name those that lead outside: `trunks: [NAME]` in the connection's file"))
        } else {
            findings.append(.good("taken for trunks: \(Self.list(trunks))"))
        }
        if phones.isEmpty {
            findings.append(
                .odd(
                    "no endpoint is taken for a telephone",
                    remedy: "say what a short number looks like: `extensions: [_1XX]` in the connection's file"))
        } else {
            findings.append(.good("taken for telephones: \(Self.list(phones))"))
        }
        let unknown = settings.plan.trunks.subtracting(endpoints).sorted()
        if !unknown.isEmpty {
            findings.append(
                .odd(
                    "`trunks` names what the PBX does not list: \(Self.list(unknown))", remedy: "mend the names, as in pjsip.conf"
                ))
        }
        return findings
    }

    private static func list(_ names: [String]) -> String {
        let shown = names.prefix(20).joined(separator: ", ")
        return names.count > 20 ? "\(shown) and \(names.count - 20) more" : shown
    }

    private func look(
        at context: String, _ inquiry: inout ManagerInquiry, _ rights: ManagerRights
    ) async throws(ManagerInquiry.Obstacle) -> Finding {
        guard rights.actions.contains("ShowDialPlan") else {
            return .good(
                "whether the context \(context) is there could not be checked: that needs `write` with reporting or config")
        }
        let answer = try await inquiry.ask(ManagerAction("ShowDialPlan", [("Context", context)]))
        if answer.isSuccess { return .good("the context \(context), where commands dial, is there") }
        return .bad(
            "there is no context \(context), where commands would dial",
            remedy: "name one of extensions.conf: `contexts: [NAME]` in the connection's file")
    }

    /// `cdr_manager` is not needed: the channels' own events are more exact.
    private func details(
        _ inquiry: inout ManagerInquiry, _ rights: ManagerRights
    ) async throws(ManagerInquiry.Obstacle) -> Finding {
        guard rights.actions.contains("ModuleCheck") else { return .good("cdr_manager could not be checked; it is not needed") }
        let answer = try await inquiry.ask(ManagerAction("ModuleCheck", [("Module", "cdr_manager")]))
        return .good("cdr_manager is \(answer.isSuccess ? "" : "not ")loaded; it is not needed")
    }

    static func judgeStamps(_ isStamped: Bool?) -> Finding {
        switch isStamped {
        case true: .good("events say when they happened")
        case false:
            .odd(
                "events do not say when they happened: the time of their arrival counts",
                remedy: "in manager.conf: [general] timestampevents = yes")
        case nil:
            .good("whether events say when they happened (`timestampevents = yes`) could not be checked: none came meanwhile")
        }
    }
}
