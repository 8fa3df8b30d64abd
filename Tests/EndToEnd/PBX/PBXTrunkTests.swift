import Connector
import DoubleServer
import Glibc
import Network
import SIP
import TestSupport
import Testing

extension EndToEnd {
    /// MultiFon's numbers through a whole gateway, with a registrar that has MegaFon's habits.
    struct PBXTrunkTests {
        static let number = "79000000030"
        static let plan = """
              extensions:
                "101": {name: Anna, secret: file:secrets/101, may_dial: any}
              incoming:
                other: [{ring: "101", for: 20s}]
              outgoing:
                - {to: any, by: megafon}
            """

        static func megafon(_ registrars: [SIPPeer]) -> (name: String, text: String) {
            (
                "megafon",
                """
                adapter: multifon
                enabled: true
                settings:
                  number: "\(number)"
                  password: file:secrets/trunk
                  registrar: [\(registrars.map { "\"\($0.address)\"" }.joined(separator: ", "))]
                  watch_every: "0"
                  allow_calls_from: ["127.0.0.0/29"]
                """
            )
        }

        static func registrar(_ host: String = "127.0.0.3") throws -> (peer: SIPPeer, registrar: MultifonRegistrar) {
            let peer = try SIPPeer(host)
            let registrar = MultifonRegistrar(passwords: [number: "secret-trunk"])
            peer.onRequest = { [unowned peer] message, transaction, flow in
                guard message.method == .register else { return peer.agent.respond(200, to: message, transaction, now: .now) }
                let answer = registrar.answer(message, over: flow)
                peer.agent.respond(answer.status, to: message, transaction, answer.lines, now: .now)
            }
            return (peer, registrar)
        }

        static func trunk(_ stand: SIPStand) throws -> JSONValue { try stand.crm.json("/connections/megafon")["upkeep"] ?? .null }

        @Test(.timeLimit(.minutes(1)))
        func `a number registers in a realm of another name, takes what it is granted, and shows it`() throws {
            let (peer, registrar) = try Self.registrar()
            registrar.whims = 1
            let stand = try SIPStand(plan: Self.plan, trunks: [Self.megafon([peer])])
            stand.add(peer)
            try stand.until("the trunk is registered") { try Self.trunk(stand)["condition"]?.string == "good" }
            #expect(registrar.said == [401, 500, 200], "a 500 is asked again, with nc one more")
            let asked = peer.heard.filter { $0.method == .register }
            #expect(asked.allSatisfy { $0.number(.expires) == 180 })
            let item = try #require(try Self.trunk(stand)["items"]?[0])
            #expect(item["kept"]?.bool == true)
            #expect(item["until"]?.string != nil, "\(item)")
        }

        @Test(.timeLimit(.minutes(1)))
        func `a wrong password is told with its status`() throws {
            let (peer, _) = try Self.registrar()
            let stand = try SIPStand(
                plan: Self.plan,
                trunks: [("megafon", Self.megafon([peer]).text.replacing("file:secrets/trunk", with: "file:secrets/102"))])
            stand.add(peer)
            try stand.until("it is refused") { String(decoding: try Self.trunk(stand).encoded, as: UTF8.self).contains("403") }
            #expect(try Self.trunk(stand)["condition"]?.string != "good")
        }

        @Test(.timeLimit(.minutes(1)))
        func `calls come from any address of the operator, however the number is written, and from no other`() throws {
            let (peer, registrar) = try Self.registrar()
            let stand = try SIPStand(plan: Self.plan, trunks: [Self.megafon([peer])])
            stand.add(peer)
            let pbx = try stand.address()
            let anna = try stand.phone("101", at: pbx)
            try stand.until("the trunk is registered") { registrar.bindings[Self.number] != nil }
            let contact = try #require(registrar.bindings[Self.number]?.contact.user).map { Character(UnicodeScalar($0)) }
            let border = try stand.peer("127.0.0.5")
            let forms = ["79000000030", "+79000000030", "89000000030", String(contact)]
            for (place, form) in forms.enumerated() {
                let call = try border.call(form, at: pbx, as: place % 2 == 0 ? "79000000101" : "+79000000101")
                try stand.until("\(form) is answered") { call.state == .talking && anna.calls.count == place + 1 }
                border.hangUp(call)
                try stand.until("it is over") { anna.calls.allSatisfy { $0.state == .ended } }
            }
            let stranger = try stand.peer("127.0.0.77")
            let call = try stranger.call("79000000030", at: pbx, as: "79000000666")
            try stand.until("the stranger is asked who he is, or not answered") { call.state == .ended || !anna.calls.isEmpty }
            #expect(anna.calls.count == forms.count)
            let calls = try stand.calls("the calls are over") { calls in
                calls.count == forms.count && calls.allSatisfy { $0["state"]?.string == "ended" }
            }
            for call in calls {
                #expect(call["line"]?["number"]?["e164"]?.string == "+79000000030", "\(call)")
                #expect(call["external_party"]?["number"]?["e164"]?.string == "+79000000101", "\(call)")
            }
        }

        @Test(.timeLimit(.minutes(2)))
        func `a registrar that dies is left for the next one within a refresh`() throws {
            let (first, early) = try Self.registrar("127.0.0.3")
            early.granted = 10
            let (second, late) = try Self.registrar("127.0.0.4")
            let stand = try SIPStand(plan: Self.plan, trunks: [Self.megafon([first, second])])
            stand.add(first)
            stand.add(second)
            try stand.until("the first has it") { early.bindings[Self.number] != nil }
            #expect(late.said.isEmpty)
            first.isDead = true
            // Half of what was granted, and the 32 s after which nobody answers (timer F).
            try stand.until("the second has it", within: .seconds(60)) { late.bindings[Self.number] != nil }
            try stand.until("the trunk is well") { try Self.trunk(stand)["condition"]?.string == "good" }
        }

        @Test(.timeLimit(.minutes(1)))
        func `a trunk whose file is taken away is taken back from its registrar`() throws {
            let (peer, registrar) = try Self.registrar()
            let stand = try SIPStand(plan: Self.plan, trunks: [Self.megafon([peer])])
            stand.add(peer)
            try stand.until("the trunk is registered") { registrar.bindings[Self.number] != nil }
            try stand.until("it is told") { try Self.trunk(stand)["condition"]?.string == "good" }
            unlink(stand.premises.adapters + "/megafon.yaml")
            stand.gateway.kill(SIGHUP)
            try stand.until("the registrar has it no more") { registrar.bindings.isEmpty }
            #expect(peer.heard.last { $0.method == .register }?.number(.expires) == 0)
        }
    }
}
