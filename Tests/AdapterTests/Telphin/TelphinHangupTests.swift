import Connector
import TelphinAdapter
import Testing

@Suite struct TelphinHangupTests {
    let bench: TelphinWorkbench

    init() throws { bench = try TelphinWorkbench() }

    private static let client = Party.external(number: "79000000101")

    private static func outcome(_ status: String, bridged: String, transferred: String = "no") -> TelphinWorkbench.Fields {
        [
            ("CallStatus", status), ("Bridged", bridged), ("Transfered", transferred), ("Duration", "20000000"),
            ("BridgedDuration", bridged == "yes" ? "15000000" : "0"),
        ]
    }

    private func hangup(
        _ status: String, bridged: String = "no", transferred: String = "no", _ more: TelphinWorkbench.Fields = []
    )
        -> [CallEvent]
    {
        bench.incoming("hangup", Self.outcome(status, bridged: bridged, transferred: transferred) + more)
    }

    @Test func `a leg that talked and passed nobody on ends the call`() throws {
        let event = try #require(hangup("ANSWER", bridged: "yes", [("RecID", "100101-r")]).first)
        #expect(event.type == .ended)
        #expect(
            event.ending
                == EndReport(
                    reason: .normal, cause: Cause(providerCode: "ANSWER"), answered: true, endedAt: TelphinWorkbench.time))
        let answer = TelphinWorkbench.time.advanced(by: .seconds(-15))
        #expect(
            event.leg
                == LegReport(key: "100101-c", phase: .ended, from: Self.client, reason: .normal, answeredAt: answer))
        #expect(event.facts.startedAt == TelphinWorkbench.time.advanced(by: .seconds(-20)))
        #expect(event.facts.direction == nil)
        #expect(event.recording == RecordingReport(key: "100101-r", phase: .ready, leg: "100101-c"))
        #expect(event.keys == [ExternalKey(.call, "c"), ExternalKey(.recording, "100101-r")])
        #expect(event.custom == [CustomField("Duration", "20000000"), CustomField("BridgedDuration", "15000000")])
    }

    @Test func `one that passed the caller on does not`() throws {
        let event = try #require(hangup("ANSWER", bridged: "yes", transferred: "yes").first)
        #expect(event.ending == nil)
        #expect(event.leg?.calleeTransferredAway == true)
        #expect(event.leg?.reason == .transferred)
    }

    @Test(arguments: [
        ("BUSY", EndReason.busy), ("NOANSWER", .noAnswer), ("noanswer", .noAnswer), ("CANCEL", .callerHungUp),
        ("CONGESTION", .failed), ("CHANUNAVAIL", .unreachable), ("TELEPORTED", .unknown), ("", .unknown),
    ])
    func `an incoming leg that nobody took ends nothing, an outgoing one the call`(status: String, reason: EndReason) {
        let incoming = hangup(status)
        #expect(incoming.count == 1)
        #expect(incoming.first?.ending == nil)
        #expect(incoming.first?.type == .updated)
        #expect(incoming.first?.leg?.reason == reason)
        let kept = incoming.first?.custom.contains(CustomField("CallStatus", status))
        #expect(kept == (status == "TELEPORTED"))
        let outgoing = bench.outgoing("hangup", Self.outcome(status, bridged: "no")).first
        #expect(outgoing?.ending?.reason == reason)
        #expect(outgoing?.ending?.answered == false)
        #expect(outgoing?.ending?.user == .user(extension: "101", endpoint: "0000*101@sipproxy.telphin.ru"))
    }

    @Test func `an answer without a talk is no success`() {
        let ending = bench.outgoing("hangup", Self.outcome("ANSWER", bridged: "no")).first?.ending
        #expect(ending?.answered == false)
        #expect(ending?.reason == .unknown)
    }

    @Test func `where Bridged is missing the status decides`() {
        #expect(bench.incoming("hangup", [("CallStatus", "ANSWER")]).first?.ending?.answered == true)
        #expect(bench.incoming("hangup", [("CallStatus", "BUSY")]).first?.ending == nil)
    }

    @Test func `a menu is told of when it is left, and was there from its beginning`() {
        let events = hangup("ANSWER", [("CalledExtension", "0000*500@x"), ("SubCallID", "100500-c")])
        #expect(events.map(\.type) == [.routeStep, .updated])
        #expect(events.map(\.occurredAt) == [TelphinWorkbench.time.advanced(by: .seconds(-20)), TelphinWorkbench.time])
        #expect(events[0].leg == LegReport(key: "100500-c", phase: .answered, from: Self.client, to: .ivr(ref: "500")))
        #expect(events[1].leg == LegReport(key: "100500-c", phase: .ended, from: Self.client, reason: .unknown))
        #expect(events[1].ending == nil)
        #expect(events[0].id != events[1].id)
    }

    @Test(arguments: ["yes", "no"])
    func `a queue that the settings name is one, whoever talked`(bridged: String) throws {
        let bench = try TelphinWorkbench(["queues": "0000*700, 701"])
        let events = bench.incoming(
            "hangup",
            Self.outcome("ANSWER", bridged: bridged) + [("CalledExtension", "0000*700@x"), ("SubCallID", "100700-c")])
        #expect(events.map(\.type) == [.queued, .updated])
        #expect(events.map { $0.leg?.to } == [.queue(ref: "700"), .queue(ref: "700")])
        #expect(events.allSatisfy { $0.ending == nil })
        let entered = bench.incoming("dial-in", [("CalledExtension", "0000*701@x")]).first
        #expect(entered?.type == .queued)
        #expect(entered?.leg?.to == .queue(ref: "701"))
    }

    @Test func `a talk between two numbers outside has its beginning from its length`() {
        let mobile: TelphinWorkbench.Fields = [("CalledExtension", ""), ("CalledNumber", "79000000103")]
        let ending = hangup("ANSWER", bridged: "yes", mobile).first?.ending
        #expect(ending?.answeredAt == TelphinWorkbench.time.advanced(by: .seconds(-15)))
    }

    @Test(arguments: ["15", "99999", "0", "-1", "86400000001", "9223372036854775807", "long", ""])
    func `a duration that is none, or may be of another unit, is not used`(duration: String) {
        #expect(bench.incoming("hangup", [("Duration", duration)]).first?.facts.startedAt == nil)
    }
}
