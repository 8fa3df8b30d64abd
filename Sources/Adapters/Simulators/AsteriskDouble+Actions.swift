import Connector

/// What the double does when it is told to, in Asterisk's words.
extension AsteriskDouble {
    private typealias Handler = @Sendable (inout AsteriskDouble, AsteriskFields, String?, Int) -> Void

    /// An action: what it is for, and of which classes one must have the right to take one; none for everybody.
    private struct Action: Sendable {
        var purpose: String
        var classes: [String]
        var perform: Handler

        init(_ purpose: String, _ classes: [String] = [], _ perform: @escaping Handler) {
            self.purpose = purpose
            self.classes = classes
            self.perform = perform
        }

        func isOpen(to user: AsteriskOptions.User) -> Bool {
            classes.isEmpty || classes.contains { user.write.contains($0) || user.write.contains("all") }
        }
    }

    private static let actions: [String: Action] = [
        "Atxfer": Action("Attended transfer.", ["call"]) { $0.ask($1, $2, $3) },
        "BlindTransfer": Action("Blind transfer.", ["call"]) { $0.passOn($1, $2, $3) },
        "BridgeList": Action("List bridges.") { $0.listBridges($2, $3) },
        "CancelAtxfer": Action("Cancel an attended transfer.", ["call"]) { $0.cancelAsking($1, $2, $3) },
        "Command": Action("Execute a CLI command.", ["command"]) { $0.command($1, $2, $3) },
        "CoreSettings": Action("Show core settings.", ["system", "reporting"]) { $0.tellSettings($2, $3) },
        "CoreShowChannels": Action("List channels.", ["system", "reporting"]) { $0.listChannels($2, $3) },
        "CoreStatus": Action("Show core status.", ["system", "reporting"]) { $0.tellStatus($2, $3) },
        "DeviceStateList": Action("List device states.", ["call", "reporting"]) { $0.listDevices($2, $3) },
        "Events": Action("Control the flow of events.") { $0.setMask($1, $2, $3) },
        "Filter": Action("Add an event filter.", ["system"]) { double, _, id, session in
            double.answer(id, ["Response": "Success", "Message": "Success"], to: session)
        },
        "Getvar": Action("Get a channel variable.", ["call", "reporting"]) { $0.getVariable($1, $2, $3) },
        "Hangup": Action("Hang up a channel.", ["system", "call"]) { $0.hangUp($1, $2, $3) },
        "ListCommands": Action("List the actions.") { double, _, id, session in double.listActions(id, session) },
        "MixMonitor": Action("Record a call.", ["system"]) { $0.record($1, $2, $3) },
        "MixMonitorMute": Action("Mute a recording.", ["system", "call"]) { $0.muteRecording($1, $2, $3) },
        "Originate": Action("Originate a call.", ["originate"]) { $0.originate($1, $2, $3) },
        "Ping": Action("Keepalive.") { double, _, id, session in
            double.answer(
                id, ["Response": "Success", "Ping": "Pong", "Timestamp": double.exchange.now.asteriskStamp], to: session)
        },
        "PlayDTMF": Action("Play a tone.", ["call"]) { $0.playDigit($1, $2, $3) },
        "QueueStatus": Action("Show queues.") { $0.listQueues($1, $2, $3) },
        "Redirect": Action("Redirect a call.", ["call"]) { $0.redirect($1, $2, $3) },
        "ShowDialPlan": Action("Show dialplan contexts and extensions", ["config", "reporting"]) { $0.showDialplan($1, $2, $3) },
        "Setvar": Action("Set a channel variable.", ["call"]) { $0.setVariable($1, $2, $3) },
        "Status": Action("List channel status.", ["system", "call", "reporting"]) { $0.listStatus($1, $2, $3) },
        "StopMixMonitor": Action("Stop recording.", ["system", "call"]) { $0.stopRecording($1, $2, $3) },
        "UserEvent": Action("Send an event.", ["user"]) { $0.sendUserEvent($1, $2, $3) },
    ]

    private static let byLowerName = Dictionary(uniqueKeysWithValues: actions.map { ($0.key.lowercased(), $0.value) })

    mutating func perform(_ action: AsteriskFields, of session: Int) {
        guard let name = action["action"] else { return refuse("Missing action in request", action["actionid"], session) }
        let actionID = action["actionid"]
        switch name.lowercased() {
        case "login": return logIn(action, actionID, of: session)
        case "challenge": return challenge(action, actionID, of: session)
        case "logoff":
            answer(actionID, ["Response": "Goodbye", "Message": "Thanks for all the fish."], to: session)
            return close(session)
        default: break
        }
        guard let user = sessions[session]?.user else { return refuse("Permission denied", actionID, session) }
        guard let known = Self.byLowerName[name.lowercased()] else {
            return refuse(
                "Invalid/unknown command: \(name). Use Action: ListCommands to show available commands.", actionID, session)
        }
        guard known.isOpen(to: user) else { return refuse("Permission denied", actionID, session) }
        known.perform(&self, action, actionID, session)
    }

    private mutating func refuse(_ message: String, _ actionID: String?, _ session: Int) {
        answer(actionID, ["Response": "Error", "Message": message], to: session)
    }

    private mutating func accept(_ message: String, _ actionID: String?, _ session: Int) {
        answer(actionID, ["Response": "Success", "Message": message], to: session)
    }

    // MARK: The session

    private mutating func setMask(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        let mask = AsteriskSession.mask(action["eventmask"] ?? "off")
        sessions[session]?.mask = mask
        answer(id, ["Response": "Success", "Events": mask?.isEmpty == true ? "Off" : "On"], to: session)
    }

    private mutating func listActions(_ id: String?, _ session: Int) {
        var fields: AsteriskFields = ["Response": "Success"]
        let user = sessions[session]?.user
        for (name, action) in Self.actions.sorted(by: { $0.key < $1.key }) where user.map({ action.isOpen(to: $0) }) ?? false {
            let classes = action.classes.isEmpty ? "<none>" : (action.classes + ["all"]).joined(separator: ",")
            fields.add(name, "\(action.purpose)  (Priv: \(classes))")
        }
        answer(id, fields, to: session)
    }

    private mutating func command(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        let command = action["command"] ?? ""
        var fields: AsteriskFields = ["Response": "Success", "Message": "Command output follows"]
        switch command {
        case "core show uptime":
            fields.add("Output", "System uptime: \(exchange.now.milliseconds(since: bootedAt) / 1000) seconds")
        case "core show channels count":
            fields.add("Output", "\(exchange.legs.count) active channels")
            fields.add("Output", "\(exchange.books.count) active calls")
        default:
            fields = ["Response": "Error", "Message": "Command output follows"]
            let help = command.split(separator: " ").prefix(2).joined(separator: " ")
            fields.add(
                "Output",
                "No such command '\(command)' (type 'core show help \(help)' for other possible commands)")
        }
        answer(id, fields, to: session)
    }

    private mutating func sendUserEvent(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        var fields = AsteriskFields(["UserEvent": action["userevent"] ?? ""])
        for item in action.items where !["action", "actionid", "userevent"].contains(item.name.lowercased()) {
            fields.add(item.name, item.value)
        }
        accept("Event Sent", id, session)
        exchange.tell("UserEvent", "user", fields)
    }

    // MARK: Lists

    /// Rows between the beginning of a list and its end. Where `isLast`, the ActionID ends a row instead of beginning it.
    private mutating func list(
        _ name: String, _ message: String, _ rows: [(event: String, fields: AsteriskFields)], isLast: Bool = false,
        closing: AsteriskFields = AsteriskFields(), _ id: String?, _ session: Int
    ) {
        let mark = id.map { AsteriskFields(["ActionID": $0]) } ?? AsteriskFields()
        answer(id, ["Response": "Success", "EventList": "start", "Message": message], to: session)
        for row in rows {
            var fields: AsteriskFields = ["Event": row.event]
            if !isLast { fields.add(mark) }
            fields.add(row.fields)
            if isLast { fields.add(mark) }
            send(fields, to: session)
        }
        var end: AsteriskFields = ["Event": name + "Complete"]
        end.add(mark)
        end.add(["EventList": "Complete", "ListItems": "\(rows.count)"])
        end.add(closing)
        send(end, to: session)
    }

    private mutating func listChannels(_ id: String?, _ session: Int) {
        let rows = exchange.order.compactMap { exchange.legs[$0] }.map { leg in
            var fields = leg.fields()
            let age = exchange.now.milliseconds(since: leg.createdAt) / 1000
            fields.add([
                "Application": leg.application, "ApplicationData": leg.applicationData,
                "Duration": [age / 3600, age / 60 % 60, age % 60].map { $0 < 10 ? "0\($0)" : "\($0)" }.joined(separator: ":"),
                "BridgeId": leg.bridge ?? "",
            ])
            return ("CoreShowChannel", fields)
        }
        list("CoreShowChannels", "Channels will follow", rows, id, session)
    }

    private mutating func listStatus(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        var shown = exchange.order.compactMap { exchange.legs[$0] }
        if let name = action["channel"], !name.isEmpty {
            shown = shown.filter { $0.name == name }
            guard !shown.isEmpty else { return refuse("No such channel", id, session) }
        }
        let rows = shown.map { leg in
            var fields: AsteriskFields = ["Privilege": "Call"]
            fields.add(leg.fields())
            fields.add([
                "Type": leg.isLocal ? "Local" : "PJSIP", "DNID": leg.dialledBy == nil ? leg.exten : "", "TimeToHangup": "0",
                "BridgeID": leg.bridge ?? "", "Application": leg.application, "Data": leg.applicationData,
                "Seconds": "\(exchange.now.milliseconds(since: leg.createdAt) / 1000)",
            ])
            return ("Status", fields)
        }
        list(
            "Status", "Channel status will follow", rows, isLast: true, closing: ["Items": "\(rows.count)"], id, session)
    }

    private mutating func listQueues(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        var rows: [(event: String, fields: AsteriskFields)] = []
        if action["queue"] ?? "support" == "support" {
            rows.append(
                (
                    "QueueParams",
                    [
                        "Queue": "support", "Max": "0", "Strategy": "ringall", "Calls": "0", "Holdtime": "0", "TalkTime": "0",
                        "Completed": "0", "Abandoned": "0", "ServiceLevel": "0", "ServicelevelPerf": "0.0",
                        "ServicelevelPerf2": "0.0", "Weight": "0",
                    ]
                ))
            rows += SimulatedPeople.extensions.map { ("QueueMember", member($0)) }
        }
        list("QueueStatus", "Queue status will follow", rows, isLast: true, id, session)
    }

    private func member(_ phone: String) -> AsteriskFields {
        [
            "Queue": "support", "Name": "Phone \(phone)", "Location": "PJSIP/\(phone)", "StateInterface": "PJSIP/\(phone)",
            "Membership": "static", "Penalty": "0", "CallsTaken": "0", "LastCall": "0", "LastPause": "0", "InCall": "0",
            "Status": deviceState(phone).code, "Paused": "0", "PausedReason": "", "Wrapuptime": "0",
        ]
    }

    private func deviceState(_ endpoint: String) -> (text: String, code: String) {
        let states = exchange.legs.values.filter { $0.endpoint == endpoint && !$0.isLocal }.map(\.state)
        if states.contains(.up) { return ("INUSE", "2") }
        return states.isEmpty ? ("NOT_INUSE", "1") : ("RINGING", "6")
    }

    private mutating func listDevices(_ id: String?, _ session: Int) {
        let rows = (SimulatedPeople.extensions + [AsteriskExchange.trunk]).map { endpoint in
            ("DeviceStateChange", AsteriskFields(["Device": "PJSIP/\(endpoint)", "State": deviceState(endpoint).text]))
        }
        list("DeviceStateList", "Device State Changes will follow", rows, id, session)
    }

    private mutating func showDialplan(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        let contexts = [AsteriskExchange.inside, AsteriskExchange.outside]
        let shown = contexts.filter { $0 == action["context"] ?? $0 }
        guard !shown.isEmpty else { return refuse("Did not find context \(action["context"] ?? "")", id, session) }
        let rows = shown.map { context in
            ("ListDialplan", AsteriskFields(["Context": context, "Extension": "_X.", "Priority": "1", "Application": "Dial"]))
        }
        list("ShowDialPlan", "DialPlan list will follow", rows, id, session)
    }

    private mutating func listBridges(_ id: String?, _ session: Int) {
        let rows = exchange.bridges.keys.sorted().map { ("BridgeListItem", exchange.bridgeFields($0)) }
        list("BridgeList", "Bridge listing will follow", rows, id, session)
    }

    private mutating func tellStatus(_ id: String?, _ session: Int) {
        let booted = bootedAt.asteriskLocalTime
        answer(
            id,
            [
                "Response": "Success", "CoreStartupDate": "\(booted.prefix(10))", "CoreStartupTime": "\(booted.suffix(8))",
                "CoreReloadDate": "\(booted.prefix(10))", "CoreReloadTime": "\(booted.suffix(8))",
                "CoreCurrentCalls": "\(exchange.legs.count)", "CoreProcessedCalls": "\(exchange.processedCalls)",
            ], to: session)
    }

    private mutating func tellSettings(_ id: String?, _ session: Int) {
        answer(
            id,
            [
                "Response": "Success", "AMIversion": "11.0.0", "AsteriskVersion": "22.10.1", "SystemName": "",
                "CoreMaxCalls": "0",
                "CoreMaxLoadAvg": "0.000000", "CoreRunUser": "", "CoreRunGroup": "", "CoreMaxFilehandles": "0",
                "CoreRealTimeEnabled": "No", "CoreCDRenabled": options.hasDetails ? "Yes" : "No", "CoreHTTPenabled": "No",
                "SoundsSearchCustomDir": "No",
            ], to: session)
    }

    // MARK: Variables

    private mutating func getVariable(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let name = action["variable"], !name.isEmpty else { return refuse("No variable specified", id, session) }
        var leg: AsteriskLeg?
        if let channel = action["channel"], !channel.isEmpty {
            leg = exchange.leg(named: channel)
            guard leg != nil else { return refuse("No such channel", id, session) }
        }
        answer(
            id, ["Response": "Success", "Variable": name, "Value": leg.map { value(of: name, $0) } ?? globals[name] ?? ""],
            to: session)
    }

    private func value(of name: String, _ leg: AsteriskLeg) -> String {
        switch name {
        case "CDR(start)": leg.createdAt.asteriskLocalTime
        case "CDR(answer)": leg.answeredAt?.asteriskLocalTime ?? ""
        case "CDR(billsec)": "\(leg.answeredAt.map { exchange.now.milliseconds(since: $0) / 1000 } ?? 0)"
        case "DIALEDPEERNUMBER": exchange.partner(of: leg.id).flatMap { exchange.legs[$0]?.endpoint } ?? ""
        default: leg.variables[name] ?? ""
        }
    }

    private mutating func setVariable(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let name = action["variable"], !name.isEmpty else { return refuse("No variable specified", id, session) }
        let value = action["value"] ?? ""
        if let channel = action["channel"], !channel.isEmpty {
            guard let leg = exchange.leg(named: channel) else { return refuse("No such channel", id, session) }
            exchange.legs[leg.id]?.variables[name] = value
            exchange.tell("VarSet", "dialplan", leg.fields(), ["Variable": name, "Value": value])
        } else if globals.count < 1000 {
            globals[name] = value
        }
        accept("Variable Set", id, session)
    }

    // MARK: Calls

    private mutating func originate(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let channel = action["channel"], !channel.isEmpty else { return refuse("Channel not specified", id, session) }
        let exten = action["exten"] ?? ""
        guard action["application"] != nil || !exten.isEmpty && action["context"] != nil && action["priority"] != nil else {
            return refuse("Originate with 'Exten' requires 'Context' and 'Priority'", id, session)
        }
        let timeout = action["timeout"].map { Int($0) } ?? 30_000
        guard let timeout, (0...86_400_000).contains(timeout) else { return refuse("Invalid timeout", id, session) }
        let caller = Self.caller(action["callerid"] ?? "")
        var order = AsteriskOrder(
            session: session, actionID: id, isAsync: ["true", "yes", "on", "1"].contains(action["async"]?.lowercased() ?? ""),
            channel: channel, context: action["context"] ?? "", exten: exten, callerNumber: caller.number, callerName: caller.name
        )
        if order.isAsync { accept("Originate successfully queued", id, session) } else { sessions[session]?.isBlocked = true }
        let leg = exchange.originate(
            order, id: action["channelid"], variables: Self.variables(action.all("variable")), within: .milliseconds(timeout))
        guard leg == nil else { return }
        order.reason = 0
        exchange.decided.append((order, false))
    }

    /// `"Ivan" <+79000000065>`, or a number alone.
    private static func caller(_ text: String) -> (name: String, number: String) {
        guard let open = text.lastIndex(of: "<"), let close = text.lastIndex(of: ">"), open < close else {
            return ("", text.filter { $0 != "\"" })
        }
        let name = text[..<open].filter { $0 != "\"" }
        return (String(name.reversed().drop { $0 == " " }.reversed()), String(text[text.index(after: open)..<close]))
    }

    /// `__CRM_CALL=77`: without the marks of inheritance.
    private static func variables(_ texts: [String]) -> [String: String] {
        var variables: [String: String] = [:]
        for text in texts {
            guard let sign = text.firstIndex(of: "=") else { continue }
            variables[String(text[..<sign].drop { $0 == "_" })] = String(text[text.index(after: sign)...])
        }
        return variables
    }

    private mutating func hangUp(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let channel = action["channel"], !channel.isEmpty else { return refuse("No channel specified", id, session) }
        guard let leg = exchange.leg(named: channel) else { return refuse("No such channel", id, session) }
        accept("Channel Hungup", id, session)
        exchange.clear(leg.id, cause: action["cause"].flatMap { Int($0) } ?? 16)
    }

    private mutating func redirect(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let channel = action["channel"], !channel.isEmpty else { return refuse("Channel not specified", id, session) }
        guard let leg = exchange.leg(named: channel) else { return refuse("Channel does not exist: \(channel)", id, session) }
        let context = action["context"] ?? AsteriskExchange.inside
        let extra = action["extrachannel"].flatMap { exchange.leg(named: $0) }
        if let name = action["extrachannel"], !name.isEmpty, extra == nil {
            return refuse("ExtraChannel does not exist: \(name)", id, session)
        }
        accept("Redirect successful", id, session)
        exchange.redirect(leg.id, context: context, exten: action["exten"] ?? "", sparing: extra?.id)
        guard let extra else { return }
        exchange.redirect(extra.id, context: action["extracontext"] ?? context, exten: action["extraexten"] ?? "")
    }

    /// The leg that a transfer names; says what is wrong where there is none.
    private mutating func transferer(_ action: AsteriskFields, _ id: String?, _ session: Int) -> AsteriskLeg? {
        guard let channel = action["channel"], !channel.isEmpty else {
            refuse("No channel specified", id, session)
            return nil
        }
        guard let leg = exchange.leg(named: channel) else {
            refuse("Channel specified does not exist", id, session)
            return nil
        }
        return leg
    }

    private mutating func passOn(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let leg = transferer(action, id, session) else { return }
        guard let exten = action["exten"], !exten.isEmpty else { return refuse("No extension specified", id, session) }
        let context = action["context"] ?? AsteriskExchange.inside
        guard exchange.passOn(leg.id, to: exten, context: context, isExternal: true) else {
            return refuse("Transfer invalid", id, session)
        }
        accept("Transfer succeeded", id, session)
    }

    private mutating func ask(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let leg = transferer(action, id, session) else { return }
        guard let exten = action["exten"], !exten.isEmpty else { return refuse("No extension specified", id, session) }
        accept("Atxfer successfully queued", id, session)
        for digit in "*2" + exten {
            exchange.playDigit(String(digit), on: leg.id, isReceived: true, milliseconds: 100)
        }
        exchange.ask(leg.id, for: exten)
    }

    private mutating func cancelAsking(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let leg = transferer(action, id, session) else { return }
        accept("CancelAtxfer successfully queued", id, session)
        exchange.takeBack(leg.id)
    }

    // MARK: Recordings and tones

    private mutating func record(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let channel = action["channel"], !channel.isEmpty else { return refuse("No channel specified", id, session) }
        guard let leg = exchange.leg(named: channel) else { return refuse("No such channel", id, session) }
        exchange.record(leg.id, file: action["file"] ?? "\(leg.id).wav")
        let recording = exchange.legs[leg.id]?.recordings.last?.id ?? ""
        answer(id, ["Response": "Success", "MixMonitorID": recording], to: session)
    }

    private mutating func stopRecording(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let leg = recorded(action, id, session) else { return }
        if let wanted = action["mixmonitorid"], !wanted.isEmpty {
            guard leg.recordings.contains(where: { $0.id == wanted }) else {
                return refuse("Could not stop monitoring channel", id, session)
            }
            exchange.legs[leg.id]?.recordings.removeAll { $0.id == wanted }
        } else {
            exchange.legs[leg.id]?.recordings.removeAll()
        }
        answer(id, ["Response": "Success"], to: session)
        exchange.tell("MixMonitorStop", "call", exchange.tellable(leg.id))
    }

    /// The leg that is named, while it is recorded; says what is wrong where it is not.
    private mutating func recorded(_ action: AsteriskFields, _ id: String?, _ session: Int) -> AsteriskLeg? {
        guard let channel = action["channel"], !channel.isEmpty else {
            refuse("No channel specified", id, session)
            return nil
        }
        guard let leg = exchange.leg(named: channel) else {
            refuse("No such channel", id, session)
            return nil
        }
        guard !leg.recordings.isEmpty else {
            refuse("Could not stop monitoring channel", id, session)
            return nil
        }
        return leg
    }

    private mutating func muteRecording(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let leg = recorded(action, id, session) else { return }
        answer(id, ["Response": "Success"], to: session)
        exchange.tell(
            "MixMonitorMute", "call", exchange.tellable(leg.id),
            ["Direction": action["direction"] ?? "both", "State": action["state"] ?? "1"])
    }

    private mutating func playDigit(_ action: AsteriskFields, _ id: String?, _ session: Int) {
        guard let channel = action["channel"], !channel.isEmpty else { return refuse("Channel not specified", id, session) }
        guard let leg = exchange.leg(named: channel) else { return refuse("Channel not found.", id, session) }
        guard let digit = action["digit"], digit.count == 1, "0123456789*#ABCDabcd".contains(digit) else {
            return refuse("No digit specified", id, session)
        }
        accept("DTMF successfully queued", id, session)
        let isReceived = ["true", "yes", "on", "1"].contains(action["receive"]?.lowercased() ?? "")
        exchange.playDigit(
            digit, on: leg.id, isReceived: isReceived, milliseconds: action["duration"].flatMap { Int($0) } ?? 100)
    }
}
