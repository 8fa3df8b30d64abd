import Connector
import PBXPlan
import Testing

@testable import FallbackPBX
@testable import Media
@testable import SIP

/// Calls through the PBX, without a network: what is rung, who hears whom, what is written down, and that nothing is left.
struct PBXCallTests {
    private static func plan(_ change: (inout DialPlan) -> Void = { _ in }) -> DialPlan {
        var plan = DialPlan()
        for short in ["101", "102", "103"] {
            var phone = PlanExtension(number: short, secret: PlanSecret("secret-\(short)"))
            phone.mayDial = DialRights(allowed: [.any])
            plan.extensions[short] = phone
        }
        plan.trunks = [PlanTrunk(name: "carrier"), PlanTrunk(name: "spare")]
        plan.outgoing = [OutgoingRule([.any], by: [.init(trunk: "carrier"), .init(trunk: "spare")])]
        plan.incoming.other = [.ring(RingStep([.target(.extension("101"))]))]
        change(&plan)
        return plan
    }

    // MARK: From a trunk

    @Test func `a call from a trunk rings a telephone, is answered, and ended by the caller`() throws {
        let bench = PBXBench(Self.plan())
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.accept(phone)
        #expect(bench.media.bridges.count == 2)
        bench.hangUp(trunk, leg)
        #expect(
            bench.told == [
                "created inbound", "started 101", "ringing 101", "answered 101", "ended 101 normal",
                "over caller_hung_up by external_party",
            ])
        #expect(bench.leftovers == "")
    }

    @Test func `a call that nobody takes is missed`() throws {
        let bench = PBXBench(Self.plan())
        try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.wait(.seconds(26))
        #expect(bench.told.suffix(2) == ["ended 101 no_answer", "over no_answer by system"])
        #expect(bench.leftovers == "")
    }

    @Test func `a caller who gives up leaves nothing ringing`() throws {
        let bench = PBXBench(Self.plan())
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.hangUp(trunk, leg)
        #expect(bench.told.last == "over caller_hung_up by external_party")
        #expect(phone.events.contains { if case .cancelled = $0 { true } else { false } })
        #expect(bench.leftovers == "")
    }

    @Test func `who takes a group's call silences the others`() throws {
        let bench = PBXBench(
            Self.plan {
                var group = RingGroup(name: "sales")
                group.members = [.extension("101"), .extension("102")]
                $0.groups["sales"] = group
                $0.incoming.other = [.ring(RingStep([.group("sales")]))]
            })
        let first = try bench.phone("101")
        let second = try bench.phone("102")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.accept(second)
        #expect(first.events.contains { if case .cancelled = $0 { true } else { false } })
        #expect(bench.told.contains("step ring_group sales -"))
        #expect(bench.told.contains("ended 101 answered_elsewhere"))
        bench.hangUp(trunk, leg)
        #expect(bench.leftovers == "")
    }

    @Test func `one after the other, a busy one is passed over`() throws {
        let bench = PBXBench(
            Self.plan {
                var group = RingGroup(name: "sales")
                group.members = [.extension("101"), .extension("102")]
                group.manner = .inTurn
                $0.groups["sales"] = group
                $0.incoming.other = [.ring(RingStep([.group("sales")]))]
            })
        let first = try bench.phone("101")
        first.answers = .busy
        let second = try bench.phone("102")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        #expect(bench.told.contains("ended 101 busy"))
        bench.accept(second)
        bench.hangUp(trunk, leg)
        #expect(bench.leftovers == "")
    }

    @Test func `a menu leads where the key says`() throws {
        let bench = PBXBench(
            Self.plan {
                var menu = Menu(name: "main", prompt: "welcome")
                menu.keys["2"] = [.ring(RingStep([.target(.extension("102"))]))]
                $0.menus["main"] = menu
                $0.incoming.other = [.menu("main")]
            })
        let phone = try bench.phone("102")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        let caller = try #require(bench.core.calls.values.first?.caller)
        bench.media.press("2", on: caller.stream)
        bench.settle()
        bench.accept(phone)
        bench.hangUp(trunk, leg)
        #expect(
            bench.told == [
                "created inbound", "menu main entered", "keys 2", "menu main left transferred", "started 102", "ringing 102",
                "answered 102",
                "ended 102 normal", "over caller_hung_up by external_party",
            ])
        #expect(bench.leftovers == "")
    }

    @Test func `a menu that nobody answers asks again, and then goes on`() throws {
        let bench = PBXBench(
            Self.plan {
                $0.menus["main"] = Menu(name: "main", prompt: "welcome")
                $0.incoming.other = [.menu("main"), .hangUp(.busy)]
            })
        let trunk = try bench.trunk("carrier")
        try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        for _ in 0..<2 {
            bench.media.finishPlaying()
            bench.wait(.seconds(6))
        }
        #expect(bench.told.suffix(2) == ["menu main left no_answer", "over busy by system"])
        #expect(bench.leftovers == "")
    }

    @Test func `a message is taken after greeting and beep`() throws {
        let bench = PBXBench(
            Self.plan {
                var box = VoicemailBox(name: "sales")
                box.greeting = "leave-a-message"
                $0.voicemail["sales"] = box
                $0.incoming.other = [.voicemail("sales")]
            })
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        for _ in 0..<2 {
            bench.media.finishPlaying()
            bench.settle()
        }
        #expect(bench.media.recordings.count == 1)
        bench.hangUp(trunk, leg)
        #expect(
            bench.told == [
                "created inbound", "voicemail sales entered", "recording started", "voicemail sales left voicemail",
                "over voicemail by external_party", "recording completed",
            ])
        #expect(bench.leftovers == "")
    }

    @Test func `a queue plays music, tells the place, and serves in order`() throws {
        let bench = PBXBench(
            Self.plan {
                var queue = CallQueue(name: "support")
                queue.members = [.extension("101")]
                $0.queues["support"] = queue
                $0.incoming.other = [.queue("support")]
            })
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        let first = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        let second = try bench.call(from: trunk, to: "74950000001", as: "79000000103")
        bench.accept(phone)
        #expect(bench.told.filter { $0 == "queue support entered" }.count == 2)
        #expect(bench.told.contains("queue support position"))
        bench.hangUp(trunk, first)
        bench.wait(.seconds(1))
        bench.accept(phone)
        #expect(bench.told.filter { $0 == "answered 101" }.count == 2)
        bench.hangUp(trunk, second)
        #expect(bench.leftovers == "")
    }

    @Test func `the recording has the caller left`() throws {
        let bench = PBXBench(Self.plan { $0.incoming.other = [.record(true), .ring(RingStep([.target(.extension("101"))]))] })
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.accept(phone)
        let call = try #require(bench.core.calls.values.first)
        let recording = try #require(bench.media.recordings.values.first)
        #expect(recording.left == call.caller?.stream)
        #expect(recording.right == call.legs.last?.stream)
        bench.hangUp(trunk, leg)
        #expect(bench.told.suffix(2) == ["over caller_hung_up by external_party", "recording completed"])
        #expect(bench.leftovers == "")
    }

    // MARK: From a telephone

    @Test func `colleagues talk, and either may hang up`() throws {
        let bench = PBXBench(Self.plan())
        let first = try bench.phone("101")
        let second = try bench.phone("102")
        try bench.call(from: first, to: "102")
        bench.accept(second)
        bench.hangUp(second)
        #expect(bench.told.first == "created internal")
        #expect(bench.told.last == "over callee_hung_up by user")
        #expect(bench.leftovers == "")
    }

    @Test(arguments: [
        ("999", "over invalid_number by system"), ("103", "over unreachable by system"),
    ])
    func `what cannot be called says so`(number: String, end: String) throws {
        let bench = PBXBench(Self.plan())
        let phone = try bench.phone("101")
        try bench.call(from: phone, to: number)
        #expect(bench.told.last == end)
        #expect(phone.events.contains { if case .refused = $0 { true } else { false } })
        #expect(bench.leftovers == "")
    }

    @Test func `a trunk that fails makes room for the next, one that is busy does not`() throws {
        for (status, tried) in [(UInt16(503), 2), (486, 1)] {
            let bench = PBXBench(Self.plan())
            let phone = try bench.phone("101")
            let carrier = try bench.trunk("carrier")
            carrier.answers = .refuses(status)
            let spare = try bench.trunk("spare")
            try bench.call(from: phone, to: "+79000000105")
            #expect(bench.told.filter { $0.hasPrefix("started") }.count == tried)
            if status == 503 {
                bench.accept(spare)
                #expect(bench.told.last == "answered +79000000105")
                bench.hangUp(spare)
            }
            #expect(bench.leftovers == "")
        }
    }

    @Test func `a trunk that says nothing at all is given up in seconds`() throws {
        let bench = PBXBench(Self.plan())
        let phone = try bench.phone("101")
        try bench.trunk("carrier").answers = .silent
        let spare = try bench.trunk("spare")
        try bench.call(from: phone, to: "+79000000105")
        bench.wait(.seconds(7))
        bench.accept(spare)
        #expect(bench.told.last == "answered +79000000105")
        bench.hangUp(spare)
        #expect(bench.leftovers == "")
    }

    @Test func `who may not call there is told so`() throws {
        let bench = PBXBench(Self.plan { $0.extensions["101"]?.mayDial = DialRights(allowed: [.prefix("+7")]) })
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        try bench.call(from: phone, to: "+375290000001")
        #expect(bench.told.last == "over blocked by system")
        #expect(trunk.legs.isEmpty)
        #expect(bench.leftovers == "")
    }

    // MARK: In a call

    private func talk(_ bench: PBXBench) throws -> (
        trunk: PBXBench.Peer, outside: SIPLegID, phone: PBXBench.Peer, inside: SIPLegID
    ) {
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        bench.accept(phone)
        return (trunk, leg, phone, try #require(phone.leg))
    }

    @Test func `a hold plays music to the other one, and a resume joins them again`() throws {
        let bench = PBXBench(Self.plan())
        let (trunk, outside, phone, inside) = try talk(bench)
        let call = try #require(bench.core.calls.values.first)
        let caller = try #require(call.caller)
        bench.offer(phone, inside, PBXBench.held)
        #expect(bench.media.bridges.isEmpty)
        // There is no file of music: a tone says that the other one is still there.
        #expect(bench.media.playing[caller.stream] == .tone(.ringback))
        bench.offer(phone, inside, PBXBench.sdp)
        #expect(bench.media.bridges.count == 2)
        #expect(bench.media.playing.isEmpty)
        #expect(bench.told.suffix(2) == ["held 101", "resumed 101"])
        bench.hangUp(trunk, outside)
        #expect(bench.leftovers == "")
    }

    @Test func `a telephone passes its call on to a colleague`() throws {
        let bench = PBXBench(Self.plan())
        let (trunk, outside, phone, inside) = try talk(bench)
        let colleague = try bench.phone("102")
        phone.agent.refer(inside, to: try SIPURI("sip:102@192.0.2.1"), now: bench.now)
        bench.settle()
        bench.accept(colleague)
        #expect(phone.events.contains { if case .referralProgress(_, 200, true) = $0 { true } else { false } })
        // A telephone that does not hang up by itself is hung up on.
        bench.wait(.seconds(10))
        #expect(phone.events.contains { if case .ended = $0 { true } else { false } })
        #expect(bench.told.contains("transfer blind completed"))
        #expect(bench.told.contains("ended 101 transferred"))
        #expect(bench.media.bridges.count == 2)
        bench.hangUp(trunk, outside)
        #expect(bench.leftovers == "")
    }

    @Test func `a transfer that nobody takes comes back`() throws {
        let bench = PBXBench(Self.plan())
        let (trunk, outside, phone, inside) = try talk(bench)
        try bench.phone("102").answers = .busy
        phone.agent.refer(inside, to: try SIPURI("sip:102@192.0.2.1"), now: bench.now)
        bench.settle()
        #expect(bench.told.last == "transfer blind failed")
        #expect(bench.media.bridges.count == 2)
        bench.hangUp(trunk, outside)
        #expect(bench.leftovers == "")
    }

    @Test func `a transfer to where the telephone may not call is refused`() throws {
        let bench = PBXBench(Self.plan { $0.extensions["101"]?.mayDial = DialRights(allowed: [.prefix("+7")]) })
        let (trunk, outside, phone, inside) = try talk(bench)
        phone.agent.refer(inside, to: try SIPURI("sip:+375290000001@192.0.2.1"), now: bench.now)
        bench.settle()
        #expect(phone.events.contains { if case .referralProgress(_, 603, true) = $0 { true } else { false } })
        #expect(!bench.told.contains { $0.hasPrefix("transfer") })
        bench.hangUp(trunk, outside)
        #expect(bench.leftovers == "")
    }

    @Test func `an attended transfer joins the two whom the employee talked with`() throws {
        let bench = PBXBench(Self.plan())
        let (trunk, outside, phone, inside) = try talk(bench)
        let colleague = try bench.phone("102")
        bench.offer(phone, inside, PBXBench.held)
        let consultation = try bench.call(from: phone, to: "102")
        bench.accept(colleague)
        phone.agent.refer(inside, to: try SIPURI("sip:102@192.0.2.1"), replacing: consultation, now: bench.now)
        bench.settle()
        #expect(bench.told.contains("transfer attended completed"))
        #expect(bench.told.contains("moved 102"))
        #expect(bench.told.filter { $0.hasPrefix("created") }.count == 1)
        #expect(bench.media.bridges.count == 2)
        bench.hangUp(trunk, outside)
        #expect(bench.told.last == "over caller_hung_up by external_party")
        #expect(bench.leftovers == "")
    }

    @Test func `a colleague picks up what rings elsewhere`() throws {
        let bench = PBXBench(
            Self.plan {
                var group = RingGroup(name: "sales")
                group.members = [.extension("101"), .extension("102")]
                $0.groups["sales"] = group
            })
        try bench.phone("101")
        let colleague = try bench.phone("102")
        let trunk = try bench.trunk("carrier")
        let leg = try bench.call(from: trunk, to: "74950000001", as: "79000000102")
        try bench.call(from: colleague, to: "*8")
        #expect(bench.told.contains("answered 102"))
        #expect(bench.media.bridges.count == 2)
        bench.hangUp(trunk, leg)
        #expect(bench.leftovers == "")
    }

    // MARK: Commands

    private func order(_ action: Command.Action, _ call: PBXCall? = nil) -> ProviderOrder {
        ProviderOrder(
            id: CommandID(time: .init(milliseconds: 1), rest: 7), action: action,
            target: call.map { CommandTarget(keys: [ExternalKey(.call, $0.name)]) }, deadline: .seconds(5))
    }

    @Test func `click-to-call rings the employee, then the customer`() throws {
        let bench = PBXBench(Self.plan())
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        let answer = try bench.core.perform(order(.originate(Command.Origination(from: "101", to: "+79000000105"))))
        bench.settle()
        bench.accept(phone)
        bench.accept(trunk)
        #expect(answer.call?.value == bench.core.calls.keys.first)
        #expect(
            bench.told == [
                "created outbound", "started 101", "ringing 101", "answered 101", "started +79000000105", "ringing +79000000105",
                "answered +79000000105",
            ])
        bench.hangUp(trunk)
        #expect(bench.leftovers == "")
    }

    @Test func `commands hold, record, press keys, pass on and hang up`() throws {
        let bench = PBXBench(Self.plan())
        let (_, _, _, _) = try talk(bench)
        let colleague = try bench.phone("102")
        let call = try #require(bench.core.calls.values.first)
        _ = try bench.core.perform(order(.hold, call))
        #expect(bench.media.bridges.isEmpty)
        _ = try bench.core.perform(order(.resume, call))
        #expect(bench.media.bridges.count == 2)
        _ = try bench.core.perform(order(.record(start: true), call))
        #expect(bench.media.recordings.count == 1)
        _ = try bench.core.perform(order(.dtmf("12#"), call))
        #expect(bench.media.keys == "12#")
        _ = try bench.core.perform(order(.transfer(to: "102", kind: .blind), call))
        bench.settle()
        bench.accept(colleague)
        #expect(bench.told.contains("transfer blind completed"))
        _ = try bench.core.perform(order(.hangup, call))
        bench.settle()
        #expect(bench.core.calls.isEmpty)
        #expect(throws: ProviderFailure.self) { try bench.core.perform(order(.hangup, call)) }
        #expect(bench.leftovers == "")
    }

    @Test func `an attended transfer by command is complete when the employee hangs up`() throws {
        let bench = PBXBench(Self.plan())
        let (trunk, outside, phone, inside) = try talk(bench)
        let colleague = try bench.phone("102")
        let call = try #require(bench.core.calls.values.first)
        _ = try bench.core.perform(order(.transfer(to: "102", kind: .attended), call))
        bench.settle()
        bench.accept(colleague)
        bench.hangUp(phone, inside)
        #expect(bench.told.contains("transfer attended completed"))
        #expect(bench.media.bridges.count == 2)
        bench.hangUp(trunk, outside)
        #expect(bench.leftovers == "")
    }

    @Test func `the end of the PBX ends every call`() throws {
        let bench = PBXBench(Self.plan())
        let (trunk, _, _, _) = try talk(bench)
        bench.core.endAll()
        bench.settle()
        #expect(trunk.events.contains { if case .ended = $0 { true } else { false } })
        #expect(bench.leftovers == "")
    }
}
