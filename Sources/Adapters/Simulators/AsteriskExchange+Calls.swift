import Connector

/// A call that a client ordered, while its first leg is not decided.
struct AsteriskOrder: Sendable {
    var session: Int
    var actionID: String?
    var isAsync: Bool
    var channel: String
    var context: String
    var exten: String
    var callerNumber = ""
    var callerName = ""
    /// The employee's leg; nil where there is none.
    var leg: String?
    /// Of OriginateResponse, where it fails.
    var reason = 3
}

/// How calls begin, are answered and end.
extension AsteriskExchange {
    /// Somebody calls in: rings those, all at once.
    mutating func callIn(_ people: SimulatedPeople, to employees: [String], course: AsteriskCourse, isAnswered: Bool) {
        let line = "+" + people.line
        let leg = begin(Self.trunk, .ring, caller: "+" + people.client, context: Self.outside, exten: line)
        var book = AsteriskCallBook(
            linkedID: leg.linkedID, direction: .inbound, number: people.client, line: people.line, startedAt: now)
        book.course = course
        books[leg.linkedID] = book
        tellRunning(leg.id, "Dial", employees.map { "PJSIP/\($0)" }.joined(separator: "&") + ",20,tT")
        let winner = isAnswered ? Int(people.chance("who answers") % UInt64(employees.count)) : nil
        dial(leg.id, employees, answering: winner.map { employees[$0] })
    }

    /// An employee calls a number outside, or another employee.
    mutating func callOut(from employee: String, to target: String, course: AsteriskCourse) {
        let leg = begin(employee, .ring, caller: employee, context: Self.inside, exten: target)
        openBook(leg.linkedID, target, course)
        books[leg.linkedID]?.rung = [employee]
        dialExtension(leg.id)
    }

    private mutating func openBook(_ linkedID: String, _ target: String, _ course: AsteriskCourse) {
        let isInside = AsteriskOptions.isPhone(target)
        var book = AsteriskCallBook(
            linkedID: linkedID, direction: isInside ? .internal : .outbound, number: target.digits, startedAt: now)
        book.course = course
        books[linkedID] = book
    }

    // MARK: Dialling

    /// Runs the dialplan of a leg: rings the telephone or the number that its extension names.
    mutating func dialExtension(_ id: String) {
        guard let leg = legs[id] else { return }
        let exten = leg.exten
        if AsteriskOptions.isPhone(exten) {
            tellRunning(id, "Dial", "PJSIP/\(exten),20,tT")
            dial(id, [exten], answering: DoubleOutcome(calling: exten) == .answered ? exten : nil)
        } else if exten.digits.utf8.count >= 5, exten.dropFirst(exten.hasPrefix("+") ? 1 : 0).allSatisfy(\.isNumber) {
            tellRunning(id, "Dial", "PJSIP/\(exten)@trunk,30,tT")
            dial(id, [Self.trunk], answering: DoubleOutcome(calling: exten) == .answered ? Self.trunk : nil)
        } else {
            endFromDialplan(id, cause: 1)
        }
    }

    /// What `read=dialplan` would see: the gateway must bear it, and does not need it.
    private mutating func tellRunning(_ id: String, _ application: String, _ data: String) {
        legs[id]?.application = application
        legs[id]?.applicationData = data
        guard let leg = legs[id] else { return }
        tell("VarSet", "dialplan", leg.fields(), ["Variable": "DIALSTATUS", "Value": ""])
        tell(
            "Newexten", "dialplan", leg.fields(), ["Extension": leg.exten, "Application": application, "AppData": data])
    }

    private mutating func dial(_ id: String, _ endpoints: [String], answering winner: String?) {
        guard let caller = legs[id] else { return }
        legs[id]?.dialNumber += 1
        let dialled = endpoints.map { endpoint in
            var leg = begin(
                endpoint, .down, caller: endpoint == Self.trunk ? caller.exten : endpoint,
                context: endpoint == Self.trunk ? Self.outside : Self.inside, exten: "s", of: caller.linkedID, dialledBy: id)
            leg.exten = caller.exten
            leg.application = "AppDial"
            leg.applicationData = "(Outgoing Line)"
            legs[leg.id] = leg
            connect(leg.id, with: caller.callerNumber)
            return leg.id
        }
        legs[id]?.dials = dialled
        for one in dialled { tellDial("DialBegin", id, one, ["DialString": dialString(one)]) }
        connect(id, with: endpoints[0] == Self.trunk ? caller.exten : endpoints[0])
        for one in dialled { ring(one, by: id) }
        for one in dialled { planAnswer(of: one, isWinner: winner == legs[one]?.endpoint) }
        plan(.givesUp(id, dial: caller.dialNumber + 1), after: .seconds(caller.isTrunk ? 20 : 30))
    }

    private func dialString(_ id: String) -> String {
        guard let leg = legs[id] else { return "" }
        return leg.isTrunk ? "\(leg.exten)@trunk" : leg.endpoint
    }

    /// From Originate there is no caller.
    mutating func tellDial(_ name: String, _ caller: String?, _ id: String, _ more: AsteriskFields) {
        var fields = caller.map { tellable($0) } ?? AsteriskFields()
        fields.add(legs[id]?.fields("Dest") ?? AsteriskFields())
        tell(name, "call", fields, more)
    }

    mutating func ring(_ id: String, by caller: String?) {
        set(.ringing, of: id)
        tellDial("DialState", caller, id, ["DialStatus": "RINGING"])
        guard let leg = legs[id], leg.isPhone, var book = books[leg.linkedID], !book.rung.contains(leg.endpoint) else { return }
        // In a call out it is the one who calls that counts.
        if book.direction == .inbound || caller == nil { book.rung.append(leg.endpoint) }
        books[leg.linkedID] = book
    }

    private mutating func planAnswer(of id: String, isWinner: Bool) {
        guard let leg = legs[id] else { return }
        if isWinner { return plan(.answers(id), after: .seconds(3)) }
        if DoubleOutcome(calling: leg.isTrunk ? leg.exten : leg.endpoint) == .busy {
            plan(.declines(id, cause: 17), after: .seconds(1))
        }
    }

    // MARK: Answering

    mutating func answers(_ id: String) {
        guard let leg = legs[id], leg.state == .ringing || leg.state == .down else { return }
        set(.up, of: id)
        guard let caller = leg.dialledBy else { return orderedLegAnswers(id) }
        guard legs[caller]?.dials.contains(id) == true else { return }
        let losers = legs[caller]?.dials.filter { $0 != id } ?? []
        legs[caller]?.dials = []
        connect(caller, with: leg.isTrunk ? leg.exten : leg.endpoint)
        for loser in losers { tellDial("DialEnd", caller, loser, ["DialStatus": "CANCEL"]) }
        legs[id]?.exten = ""
        tellDial("DialEnd", caller, id, ["DialStatus": "ANSWER"])
        set(.up, of: caller)
        for loser in losers { end(loser, cause: 26) }
        talk(id, caller)
    }

    /// Puts two legs into a bridge, and plans what their people do next.
    mutating func talk(_ id: String, _ caller: String) {
        let bridge = makeBridge()
        enter(id, bridge)
        enter(caller, bridge)
        noteTalk([id, caller])
        guard let leg = legs[id], let book = books[leg.linkedID], !(legs[caller]?.isLocal ?? true) else { return }
        if book.course.isRecorded, let first = legs[book.linkedID] { record(first.id, file: "\(first.id).wav") }
        if let target = book.course.passesTo {
            books[leg.linkedID]?.course.passesTo = nil
            return plan(book.course.asksFirst ? .asks(id, for: target) : .passesOn(id, to: target), after: .seconds(5))
        }
        plan(.hangsUp(book.course.callerEnds ? caller : id), after: book.course.talk)
    }

    /// A human pair talks: now, if it is the first.
    mutating func noteTalk(_ pair: [String]) {
        let there = pair.compactMap { legs[$0] }.filter { !$0.isLocal }
        guard there.count == 2, var book = books[there[0].linkedID] else { return }
        book.answeredAt = book.answeredAt ?? now
        let phones = there.filter(\.isPhone).map(\.endpoint)
        // Of an internal call the record's number is the called one.
        for phone in phones where !book.talked.contains(phone) && !(book.direction == .internal && phone == book.number) {
            book.talked.append(phone)
        }
        books[there[0].linkedID] = book
    }

    // MARK: Failing

    mutating func declines(_ id: String, cause: Int) {
        guard let leg = legs[id], leg.state == .ringing else { return }
        tell("HangupRequest", "call", leg.fields(), ["Cause": "\(cause)"])
        fails(id, status: cause == 17 ? "BUSY" : "NOANSWER", cause: cause)
    }

    private mutating func fails(_ id: String, status: String, cause: Int) {
        guard let leg = legs[id] else { return }
        tellDial("DialEnd", leg.dialledBy, id, ["DialStatus": status])
        if status == "BUSY" { orders[id]?.reason = 5 }
        noteFailure(leg.linkedID, cause == 17 ? .busy : .noAnswer)
        end(id, cause: cause)
        guard let caller = leg.dialledBy else { return }
        legs[caller]?.dials.removeAll { $0 == id }
        guard legs[caller]?.dials.isEmpty == true else { return }
        endFromDialplan(caller, cause: cause == 17 ? 17 : 16)
    }

    private mutating func noteFailure(_ linkedID: String, _ failure: Call.Disposition) {
        guard let book = books[linkedID], book.direction != .inbound else { return }
        books[linkedID]?.failure = failure
    }

    mutating func givesUp(_ id: String, dial: Int) {
        guard let caller = legs[id], caller.dialNumber == dial, !caller.dials.isEmpty else { return }
        legs[id]?.dials = []
        for one in caller.dials {
            tellDial("DialEnd", id, one, ["DialStatus": "NOANSWER"])
            end(one, cause: 0)
        }
        noteFailure(caller.linkedID, .noAnswer)
        endFromDialplan(id, cause: 16)
    }

    /// The dialplan has nothing more to do for a leg.
    mutating func endFromDialplan(_ id: String, cause: Int) {
        guard legs[id] != nil else { return }
        tell("SoftHangupRequest", "call", tellable(id), ["Cause": "16"])
        legs[id]?.exten = "h"
        end(id, cause: cause)
        consultationEnds(id)
    }

    // MARK: Ending

    /// Whoever holds this leg hangs up.
    mutating func hangsUp(_ id: String) {
        guard let leg = legs[id] else { return }
        let isAnswered = leg.state == .up || leg.dialledBy == nil && leg.dials.isEmpty
        guard consultations[id] == nil else { return join(id) }
        tell("HangupRequest", "call", leg.fields(), ["Cause": isAnswered ? "16" : "127"])
        clear(id, cause: isAnswered ? 16 : 127)
    }

    /// Ends a leg and those that are nothing without it. `cause` goes to the leg itself.
    mutating func clear(_ id: String, cause: Int) {
        if consultations[id] != nil { join(id) }
        guard let leg = legs[id] else { return }
        if orders[id] != nil || leg.dialledBy != nil && leg.state != .up {
            return fails(id, status: cause == 17 ? "BUSY" : "NOANSWER", cause: cause)
        }
        for one in leg.dials { tellDial("DialEnd", id, one, ["DialStatus": "CANCEL"]) }
        if !leg.dials.isEmpty, books[leg.linkedID]?.answeredAt == nil { noteFailure(leg.linkedID, .canceled) }
        let other = partner(of: id)
        let otherLeg = other.flatMap { legs[$0] }
        leave(id)
        tell("SoftHangupRequest", "call", tellable(id), ["Cause": "16"])
        if let other { leave(other) }
        for one in leg.dials { end(one, cause: cause) }
        end(id, cause: cause)
        if let other { end(other, cause: 16) }
        tellDetails(leg, otherLeg)
        if let asker = consultations.first(where: { $0.value.customer == id })?.key { takeBack(asker) }
    }

    private mutating func tellDetails(_ leg: AsteriskLeg, _ other: AsteriskLeg?) {
        guard options.hasDetails else { return }
        let answered = leg.answeredAt
        tell(
            "Cdr", "cdr",
            [
                "AccountCode": "", "Source": leg.callerNumber, "Destination": leg.exten, "DestinationContext": leg.context,
                "CallerID": leg.callerNumber, "Channel": leg.name, "DestinationChannel": other?.name ?? "",
                "LastApplication": leg.application,
                "LastData": leg.applicationData, "StartTime": leg.createdAt.asteriskLocalTime,
                "AnswerTime": answered?.asteriskLocalTime ?? "", "EndTime": now.asteriskLocalTime,
                "Duration": "\(now.milliseconds(since: leg.createdAt) / 1000)",
                "BillableSeconds": "\(answered.map { now.milliseconds(since: $0) / 1000 } ?? 0)",
                "Disposition": answered == nil ? "NO ANSWER" : "ANSWERED", "AMAFlags": "DOCUMENTATION", "UniqueID": leg.id,
                "UserField": "",
            ])
    }

    // MARK: Calls that were ordered

    /// Rings the employee's telephone; nil where there is none of that name, or the leg's name is taken.
    mutating func originate(_ order: AsteriskOrder, id: String?, variables: [String: String], within patience: Duration)
        -> String?
    {
        let parts = order.channel.split(separator: "/", maxSplits: 1).map(String.init)
        guard parts.count == 2, parts[0] == "PJSIP", AsteriskOptions.isPhone(parts[1]), id.map({ legs[$0] == nil }) ?? true
        else { return nil }
        var leg = begin(parts[1], .down, caller: parts[1], context: order.context, exten: "s", id: id)
        openBook(leg.linkedID, order.exten, AsteriskCourse())
        if !order.callerNumber.isEmpty {
            leg.callerNumber = order.callerNumber
            leg.callerName = order.callerName
            leg.connectedNumber = order.callerNumber
            legs[leg.id] = leg
            tell("NewCallerid", "call", leg.fields(), ["CID-CallingPres": "0 (Presentation Allowed, Not Screened)"])
            tell("NewConnectedLine", "call", leg.fields())
        }
        legs[leg.id]?.variables = variables
        var placed = order
        placed.leg = leg.id
        orders[leg.id] = placed
        tellDial("DialBegin", nil, leg.id, ["DialString": parts[1]])
        ring(leg.id, by: nil)
        switch DoubleOutcome(calling: parts[1]) {
        case .answered: plan(.answers(leg.id), after: .seconds(1))
        case .busy: plan(.declines(leg.id, cause: 17), after: .seconds(1))
        case .noAnswer: plan(.declines(leg.id, cause: 19), after: patience)
        }
        return leg.id
    }

    private mutating func orderedLegAnswers(_ id: String) {
        tellDial("DialEnd", nil, id, ["DialStatus": "ANSWER"])
        guard let order = orders[id] else { return }
        decide(id, true)
        legs[id]?.exten = order.exten
        dialExtension(id)
    }

    /// The fate of an ordered call's first leg is known.
    mutating func decide(_ id: String, _ isAnswered: Bool) {
        guard let order = orders.removeValue(forKey: id) else { return }
        decided.append((order, isAnswered))
    }

    // MARK: Recordings and tones

    mutating func record(_ id: String, file: String) {
        guard let leg = legs[id] else { return }
        legs[id]?.recordings.append(("0x\(SimulatedPeople(seed: 1).token("\(id) \(file)").prefix(8))", file))
        legs[id]?.variables["MIXMONITOR_FILENAME"] = file
        if let book = books[leg.linkedID], !book.recordings.contains(file) { books[leg.linkedID]?.recordings.append(file) }
        tell("MixMonitorStart", "call", tellable(id))
    }

    mutating func playDigit(_ digit: String, on id: String, isReceived: Bool, milliseconds: Int) {
        let direction = isReceived ? "Received" : "Sent"
        tell("DTMFBegin", "dtmf", tellable(id), ["Digit": digit, "Direction": direction])
        tell("DTMFEnd", "dtmf", tellable(id), ["Digit": digit, "DurationMs": "\(milliseconds)", "Direction": direction])
    }
}

extension String {
    /// Without plus.
    var digits: String { filter { ("0"..."9").contains($0) } }
}

extension Instant {
    /// As Asterisk writes times of its log: in its zone, which is UTC here.
    var asteriskLocalTime: String { String(description.prefix(19)).replacing("T", with: " ") }
}
