import BeelineAdapter
import Connector
import Testing

@Suite struct BeelineDecoderTests {
    let bench: BeelineBench

    init() throws { bench = try BeelineBench() }

    private static let outside = Party.external(number: "+79000000101")
    private static let employee = Party.user(extension: "9000000021", endpoint: nil)

    // MARK: Entrance and settings

    @Test func `whoever knows the address may post, and nothing else`() {
        #expect(bench.authenticate("<Event/>") == .accept(.ok))
        #expect(bench.authenticate("anything") == .accept(.ok))
        for (body, method, status) in [("", "POST", 400), ("<Event/>", "GET", 405)] {
            guard case .refuse(status, _) = bench.authenticate(body, method: method) else {
                Issue.record("not refused: \(method)")
                continue
            }
        }
    }

    @Test func `without a signature the address's token must be set`() {
        let token = BeelineAdapter.descriptor.settings.first { $0.name == "url_token" }
        #expect(token?.isRequired == true && token?.kind == .secret)
    }

    @Test(arguments: ["", "cloudpbx.beeline.ru", "https://", "https:///x", "ftp://a/", "https://a b/", "https://a/?x=1"])
    func `a base address that is none is refused`(address: String) {
        var values = BeelineBench.values
        values["base_url"] = address
        let error = #expect(throws: SettingsError.self) {
            try BeelineAdapter(settings: AdapterSettings(connection: ConnectionID("b"), values: values))
        }
        #expect(error?.setting == "base_url")
        values["base_url"] = "http://127.0.0.1:8080/portal"
        #expect(throws: Never.self) {
            try BeelineAdapter(settings: AdapterSettings(connection: ConnectionID("b"), values: values))
        }
    }

    // MARK: Legs

    @Test func `an employee's phone rings for somebody outside`() throws {
        let event = try #require(bench.event("xsi:CallReceivedEvent", BeelineBench.terminator))
        #expect(event.type == .ringing)
        #expect(event.occurredAt == BeelineBench.start)
        #expect(event.keys == [ExternalKey(.session, "T"), ExternalKey(.call, "callhalf-1:0@1793603720000")])
        #expect(event.leg == LegReport(key: "callhalf-1:0", phase: .ringing, from: Self.outside, to: Self.employee))
        #expect(event.facts == CallFacts(startedAt: BeelineBench.start))
    }

    @Test func `an employee calls somebody outside, or a colleague`() throws {
        let out = try #require(bench.event("CallOriginatedEvent", BeelineBench.originator)?.leg)
        #expect(out.from == Self.employee && out.to == Self.outside)
        let colleague = "<remoteParty><userId>9000000022@ip.beeline.ru</userId><callType>Group</callType></remoteParty>"
        let within = try #require(bench.event("CallOriginatedEvent", BeelineBench.originator, colleague)?.leg)
        #expect(within.to == .user(extension: "9000000022", endpoint: nil))
        let byNumber = "<remoteParty><address>tel:+79000000022</address><callType>Enterprise</callType></remoteParty>"
        #expect(bench.event("CallOriginatedEvent", BeelineBench.originator, byNumber)?.leg?.to == within.to)
    }

    @Test(arguments: [
        ("tel:+79000000101", "+79000000101"), ("tel:9000000101;phone-context=ru", "9000000101"),
        ("sip:+79000000101@pbx.example.test;user=phone", "+79000000101"),
        ("sip:ivanov@pbx.example.test", "sip:ivanov@pbx.example.test"),
    ])
    func `a number is what its address says`(address: String, number: String) {
        let remote = "<remoteParty><address>\(address)</address><callType>Network</callType></remoteParty>"
        #expect(bench.event("CallReceivedEvent", BeelineBench.terminator, remote)?.leg?.from == .external(number: number))
    }

    @Test(arguments: [
        ("9000000021@ip.beeline.ru", "9000000021"), ("+79000000021@vol.nw.ims.mnc099.mcc250.3gppnetwork.org", "9000000021"),
        ("89000000021@mpbx.sip.beeline.ru", "9000000021"), ("SIP0012345@ip.beeline.ru", "SIP0012345"),
        ("101@ip.beeline.ru", "101"),
        ("MPBX_E_1_EventSubscription@ip.beeline.ru", "S"),
    ])
    func `an employee is named by ten digits, however his identifier is written`(id: String, name: String) throws {
        let decoded = bench.decode(
            "CallReceivedEvent", "<call>\(BeelineBench.terminator)\(BeelineBench.client)</call>",
            envelope: "<userId>\(id)</userId>")
        guard case .call(let event)? = decoded.first else {
            Issue.record("no event")
            return
        }
        #expect(event.leg?.to == .user(extension: name, endpoint: nil))
    }

    @Test func `the target names the employee before the user and his device do`() throws {
        let envelope = "<userId>9000000029@ip.beeline.ru</userId><targetId>9000000021@ip.beeline.ru</targetId>"
        let device = "<endpoint><addressOfRecord>sip:9000000028@ip.beeline.ru</addressOfRecord></endpoint>"
        let decoded = bench.decode(
            "CallReceivedEvent", "<call>\(BeelineBench.terminator)\(BeelineBench.client)\(device)</call>", envelope: envelope)
        guard case .call(let event)? = decoded.first else {
            Issue.record("no event")
            return
        }
        #expect(event.leg?.to == .user(extension: "9000000021", endpoint: "sip:9000000028@ip.beeline.ru"))
    }

    @Test(arguments: [
        ("CallAnsweredEvent", "<answerTime>1793603729000</answerTime>", LegReport.Phase.answered, EventType.answered, 9),
        ("CallHeldEvent", "<state>Held</state><heldTime>1793603739000</heldTime>", .held, .held, 19),
        ("CallRetrievedEvent", "<state>Active</state>", .answered, .resumed, 80),
        ("CallUpdatedEvent", "<state>Alerting</state>", .ringing, .updated, 80),
        ("CallForwardedEvent", "<state>Alerting</state>", .ringing, .updated, 80),
        ("CallTransferredEvent", "<state>Active</state>", .answered, .transferCompleted, 80),
        ("CallBargedInEvent", "<state>Remote Held</state>", .held, .updated, 80),
        ("CallReleasedEvent", "<releaseTime>1793603749000</releaseTime>", .ended, .ended, 29),
        ("CallDetachedEvent", "<detachedTime>1793603749000</detachedTime>", .ended, .updated, 29),
    ])
    func `each kind of event says what became of the leg, and when`(
        kind: String, more: String, phase: LegReport.Phase, type: EventType, second: Int64
    ) throws {
        let event = try #require(bench.event(kind, BeelineBench.terminator + more))
        #expect(event.leg?.phase == phase)
        #expect(event.type == type)
        #expect(event.occurredAt.milliseconds(since: BeelineBench.start) == second * 1000)
        if phase != .ringing { #expect(event.leg?.ringingAt == BeelineBench.start) }
    }

    @Test(arguments: ["CallUpdatedEvent", "CallCollectingEvent", "CallReleasingEvent", "CallRecordingStartedEvent"])
    func `what changes no leg reports none`(kind: String) throws {
        let event = try #require(bench.event(kind, BeelineBench.originator + "<state>Active</state>"))
        #expect(event.leg == nil && event.ending == nil && event.type == .updated)
        #expect(event.facts.direction == .outbound && event.facts.externalNumber == "+79000000101")
    }

    @Test func `a click to dial rings the employee first, and the client is on no leg yet`() throws {
        let event = try #require(
            bench.event("CallOriginatingEvent", BeelineBench.originator.replacing("Originator", with: "Click-to-Dial")))
        #expect(event.leg == nil)
        #expect(event.facts.origin == .clickToCall && event.facts.externalNumber == "+79000000101")
    }

    // MARK: The way

    private func redirections(_ all: (party: String, reason: String)...) -> String {
        let each = all.map {
            "<redirection><party><address>tel:+\($0.party)</address></party><reason>\($0.reason)</reason></redirection>"
        }
        return "<redirections>\(each.joined())</redirections>"
    }

    @Test func `the dialled number is the last one that is no colleague's`() throws {
        let way = redirections(("79000000021", "transfer"), ("79000000010", "follow-me"))
        let event = try #require(bench.event("CallReceivedEvent", BeelineBench.terminator + way))
        #expect(event.facts.line == "+79000000010")
        #expect(event.leg?.handover == .blind && event.type == .transferStarted)
        #expect(event.custom.contains(CustomField("redirections.reasons", "transfer,follow-me")))
        #expect(event.custom.contains(CustomField("redirections.transferred_by", "9000000021")))
        let alone = bench.event("CallReceivedEvent", BeelineBench.terminator + redirections(("79000000021", "deflection")))
        #expect(alone?.facts.line == nil && alone?.leg?.handover == .blind)
    }

    @Test func `a group's phone that nobody answers does not end the call at once`() throws {
        let group = redirections(("79000000010", "hunt-group"))
        let missed = try #require(bench.event("CallReleasedEvent", BeelineBench.terminator + group))
        #expect(missed.leg?.group == "9000000010" && missed.ending?.scope == .leg && missed.ending?.answered == false)
        let hunted = bench.event(
            "CallReleasedEvent", BeelineBench.terminator + "<huntGroupUserId>sales@ip.beeline.ru</huntGroupUserId>")
        #expect(hunted?.leg?.group == "sales" && hunted?.ending?.scope == .leg)
        let answer = "<answerTime>1793603729000</answerTime>"
        #expect(bench.event("CallReleasedEvent", BeelineBench.terminator + group + answer)?.ending?.scope == .lastLeg)
        #expect(bench.event("CallReleasedEvent", BeelineBench.terminator)?.ending?.scope == .lastLeg)
        #expect(bench.event("CallReleasedEvent", BeelineBench.originator)?.ending?.scope == .lastLeg)
    }

    @Test func `a call that is sent elsewhere is over for the employee alone`() throws {
        let list = "<calls><call>\(BeelineBench.terminator)\(BeelineBench.client)<state>Detached</state></call></calls>"
        let decoded = bench.decode("CallRedirectedEvent", list)
        guard case .call(let event)? = decoded.first, decoded.count == 1 else {
            Issue.record("\(decoded.count) results")
            return
        }
        #expect(event.leg?.calleeTransferredAway == true && event.leg?.reason == .transferred)
        #expect(event.ending?.scope == .leg && event.ending?.answered == nil)
    }

    @Test func `the end of a half that was detached tells of both moments`() throws {
        let times = "<detachedTime>1793603740000</detachedTime><releaseTime>1793603790000</releaseTime>"
        let decoded = bench.decode("CallReleasedEvent", "<call>\(BeelineBench.terminator)\(times)\(BeelineBench.client)</call>")
        let events = decoded.compactMap { if case .call(let event) = $0 { event } else { nil } }
        #expect(events.map { $0.occurredAt.milliseconds(since: BeelineBench.start) } == [70_000, 20_000])
        #expect(events.map { $0.leg?.phase } == [nil, .ended] && events[0].ending?.scope == .lastLeg)
        #expect(events[0].id != events[1].id)
    }

    // MARK: Ends

    @Test(arguments: [
        ("Terminator", "remoteRelease", "", "", EndReason.callerHungUp), ("Terminator", "localRelease", "", "", .calleeHungUp),
        ("Terminator", "localRelease", "a", "", .calleeHungUp), ("Originator", "localRelease", "a", "", .callerHungUp),
        ("Originator", "remoteRelease", "a", "", .calleeHungUp), ("Originator", "remoteRelease", "", "", .noAnswer),
        ("Originator", "localRelease", "", "", .callerHungUp), ("Terminator", "", "", "", .noAnswer),
        ("Terminator", "", "a", "", .normal), ("Terminator", "", "", "Bored", .unknown),
        ("Originator", "remoteRelease", "", "Busy", .busy),
        ("Originator", "remoteRelease", "", "Temporarily Unavailable", .unreachable),
        ("Originator", "", "", "Forbidden", .rejected), ("Originator", "", "", "User Not Found", .invalidNumber),
        ("Originator", "", "", "Request Timeout", .noAnswer), ("Originator", "", "", "Server Failure", .failed),
        ("Terminator", "remoteRelease", "a", "Busy", .callerHungUp),
    ])
    func `why it ended`(personality: String, releaser: String, answer: String, cause: String, reason: EndReason) throws {
        let call =
            BeelineBench.terminator.replacing("Terminator", with: personality)
            + (releaser.isEmpty ? "" : "<releasingParty>\(releaser)</releasingParty>")
            + (answer.isEmpty ? "" : "<answerTime>1793603729000</answerTime>")
            + (cause.isEmpty ? "" : "<releaseCause><internalReleaseCause>\(cause)</internalReleaseCause></releaseCause>")
        let event = try #require(bench.event("CallReleasedEvent", call))
        #expect(event.ending?.reason == reason && event.leg?.reason == reason)
        #expect(event.ending?.answered == !answer.isEmpty && event.ending?.user == Self.employee)
        #expect(event.ending?.cause.providerCode == (cause.isEmpty ? nil : cause))
    }

    @Test(arguments: [
        ("<recorded/>", RecordingReport.Phase?.some(.completed)), ("<recorded>true</recorded>", .completed),
        ("<recorded>false</recorded>", nil), ("", nil), ("<recordingState>Failed</recordingState>", .failed),
        ("<recordingState>Started</recordingState>", .started),
    ])
    func `a recording is named by conversation and employee`(more: String, phase: RecordingReport.Phase?) throws {
        let event = try #require(bench.event("CallReleasedEvent", BeelineBench.terminator + more))
        #expect(event.recording?.phase == phase)
        #expect(event.recording.map(\.key) == (phase == nil ? nil : "T/9000000021@ip.beeline.ru"))
    }

    @Test(arguments: [
        ("1793603729000", 9000), ("2026-11-02T07:15:29Z", 9000), ("2026-11-02T10:15:29.5+03:00", 9500), ("0", 80_000),
        ("-1", 80_000), ("99999999999999999", 80_000), ("soon", 80_000), ("1793603729", 80_000),
    ])
    func `a moment is milliseconds or ISO 8601, and gives way to the time of arrival where it is absurd`(
        text: String, after: Int64
    ) {
        let event = bench.event("CallAnsweredEvent", BeelineBench.terminator + "<answerTime>\(text)</answerTime>")
        #expect(event?.occurredAt.milliseconds(since: BeelineBench.start) == after)
    }

    // MARK: Names

    @Test func `either name of the call is enough, and none is not`() throws {
        let half = BeelineBench.terminator.replacing("<extTrackingId>T</extTrackingId>", with: "")
        #expect(bench.event("CallReceivedEvent", half)?.keys == [ExternalKey(.call, "callhalf-1:0@1793603720000")])
        let tracked = bench.event("CallReceivedEvent", "<extTrackingId>T</extTrackingId><networkCallId>N</networkCallId>")
        #expect(tracked?.keys == [ExternalKey(.session, "T"), ExternalKey(.sipCallID, "N")])
        #expect(tracked?.leg == nil)
        guard case .undecoded? = bench.decode("CallReceivedEvent", "<call><networkCallId>N</networkCallId></call>").first else {
            Issue.record("an event of no call")
            return
        }
    }

    @Test func `an event is known by its name, and without one by what it says`() throws {
        let first = try #require(bench.event("CallReceivedEvent", BeelineBench.terminator))
        #expect(bench.event("CallReceivedEvent", BeelineBench.terminator + "<appearance>2</appearance>")?.id == first.id)
        func nameless(_ more: String) -> EventID? {
            let body = "<Event><eventData type='CallHeldEvent'><call>\(BeelineBench.terminator)\(more)</call></eventData></Event>"
            guard case .call(let event)? = bench.decode(body).first else { return nil }
            return event.id
        }
        #expect(nameless("<heldTime>1793603729000</heldTime>") == nameless("<heldTime>1793603729000</heldTime>"))
        #expect(nameless("<heldTime>1793603729000</heldTime>") != nameless("<heldTime>1793603739000</heldTime>"))
    }

    @Test func `what has no place is kept, and our own address is not`() throws {
        let call = BeelineBench.terminator + "<state>Idle</state><acdCallInfo><acdName>Sales</acdName></acdCallInfo>"
        let envelope = """
            <httpContact><uri>https://gw.example.test/hooks/b/s3cr3t</uri></httpContact><userData>x</userData>\
            <targetId>9000000021@ip.beeline.ru</targetId>
            """
        let decoded = bench.decode("CallUpdatedEvent", "<call>\(call)\(BeelineBench.client)</call>", envelope: envelope)
        guard case .call(let event)? = decoded.first else {
            Issue.record("no event")
            return
        }
        let kept = [CustomField("userData", "x"), CustomField("acdCallInfo.acdName", "Sales"), CustomField("state", "Idle")]
        #expect(event.custom == kept)
    }

    // MARK: Subscriptions

    @Test func `the end of a subscription is a signal, in the event or in the envelope`() {
        let fields = [CustomField("subscriptionId", "S"), CustomField("targetId", "9000000021@ip.beeline.ru")]
        let expected = [Decoded.signal(name: "subscription_terminated", fields: fields)]
        #expect(bench.decode("xsi:SubscriptionTerminatedEvent", "") == expected)
        let bare = """
            <x:Event xmlns:x="u" xmlns:i="v" i:type="x:SubscriptionTerminatedEvent"><x:subscriptionId>S</x:subscriptionId>\
            <x:targetId>9000000021@ip.beeline.ru</x:targetId></x:Event>
            """
        #expect(bench.decode(bare) == expected)
    }

    @Test func `a subscription begins with a signal and the calls that are up`() throws {
        let talk = BeelineBench.terminator + "<state>Active</state><answerTime>1793603729000</answerTime>" + BeelineBench.client
        let ring = BeelineBench.originator.replacing("half-1", with: "half-2") + "<state>Alerting</state>" + BeelineBench.client
        let decoded = bench.decode(
            "CallSubscriptionEvent", "<calls><call>\(talk)</call><call>\(ring)</call></calls><hookStatus>Off-Hook</hookStatus>")
        #expect(decoded.count == 3)
        guard case .signal("subscription_started", _) = decoded[0] else {
            Issue.record("no signal")
            return
        }
        let events = decoded.compactMap { if case .call(let event) = $0 { event } else { nil } }
        #expect(events.map { $0.leg?.phase } == [.answered, .ringing] && events.map(\.type) == [.answered, .ringing])
        #expect(events.map { $0.occurredAt.milliseconds(since: BeelineBench.start) } == [9000, 0])
        #expect(Set(events.map(\.id)).count == 2)
    }

    // MARK: The rest

    @Test(arguments: ["HookStatusEvent", "DoNotDisturbEvent", "CallTeleportedEvent", "", "xsi:"])
    func `other kinds are ignored`(kind: String) {
        guard case .ignored? = bench.decode(kind, "<call>\(BeelineBench.terminator)</call>").first else {
            Issue.record("not ignored")
            return
        }
    }

    @Test(arguments: [
        "", "<a/>", "<!DOCTYPE Event><Event/>", "<Event>", "{}", "<Event><eventData type='CallReceivedEvent'/></Event>",
    ])
    func `what cannot be read stays undecoded`(body: String) {
        guard case .undecoded? = bench.decode(body).first else {
            Issue.record("decoded")
            return
        }
    }

    // MARK: Subscriptions

    @Test func `an employee's subscription says whose the event is, whatever his telephone is called`() throws {
        let call = "<call>\(BeelineBench.terminator)\(BeelineBench.client)</call>"
        let envelope = "<targetId>SIP0012345@ip.beeline.ru</targetId>"
        guard
            case .call(let event) = bench.decode("CallReceivedEvent", call, envelope: envelope, path: "/employee/9000000021")
                .first
        else { throw Failure() }
        #expect(event.leg?.to == Self.employee)
        guard case .call(let other) = bench.decode("CallReceivedEvent", call, envelope: envelope).first else { throw Failure() }
        #expect(other.leg?.to == .user(extension: "SIP0012345", endpoint: nil))
    }

    private struct Failure: Error {}

    @Test func `an event of a subscription that somebody else began is read, and its keeper hears of it`() {
        let call = "<call>\(BeelineBench.terminator)\(BeelineBench.client)</call>"
        let ours = bench.decode("CallReceivedEvent", call)
        let theirs = bench.decode("CallReceivedEvent", call, path: "")
        #expect(theirs == ours + [.signal(name: "subscription_foreign", fields: [CustomField("subscriptionId", "S")])])
        for signal in ["SubscriptionTerminatedEvent", "CallSubscriptionEvent"] {
            #expect(bench.decode(signal, "", path: "").count == 1, "it says all itself")
        }
    }
}
