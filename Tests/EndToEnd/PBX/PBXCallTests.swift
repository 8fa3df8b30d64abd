import Connector
import Glibc
import Network
import SIP
import TestSupport
import Testing

extension EndToEnd {
    /// Calls through a whole gateway: telephones and a provider on real sockets, the call log and the recordings behind them.
    struct PBXCallTests {
        private static let plan = """
              extensions:
                "101": {name: Anna, secret: file:secrets/101, may_dial: any}
                "102": {name: Boris, secret: file:secrets/102, may_dial: any}
              incoming:
                other: [{record: on}, {ring: "101", for: 20s}]
              outgoing:
                - {to: any, by: carrier}
            """

        /// A provider without registration: known by its address.
        static func carrier(_ peer: SIPPeer) -> (name: String, text: String) {
            (
                "carrier",
                """
                adapter: sip-trunk
                enabled: true
                settings:
                  domain: \(peer.address.ip)
                  registrar: \(peer.address)
                  login: "79000000030"
                  password: file:secrets/trunk
                  register: "no"
                  numbers: ["+79000000030"]
                """
            )
        }

        /// A gateway, its provider, and where its PBX is.
        private struct House {
            let stand: SIPStand
            let provider: SIPPeer
            let pbx: SocketAddress

            init(plan: String = PBXCallTests.plan, host: String = "127.0.0.3") throws {
                provider = try SIPPeer(host)
                provider.tone = 1000
                stand = try SIPStand(plan: plan, trunks: [PBXCallTests.carrier(provider)])
                stand.add(provider)
                pbx = try stand.address()
                try stand.until("the trunk is open") { [stand] in
                    try stand.crm.json("/connections/carrier")["upkeep"]?["condition"]?.string == "good"
                }
            }
        }

        private static func presence(of short: String, _ crm: CRMClient) throws -> String? {
            try crm.json("/employees")["employees"]?.elements.first {
                $0["extension"]?.string == short && $0["connection_id"]?.string == "office"
            }?["presence"]?.string
        }

        @Test(.timeLimit(.minutes(1)))
        func `a telephone that registers, rings and talks shows in the list of employees`() throws {
            let house = try House()
            let stand = house.stand
            #expect(try Self.presence(of: "101", stand.crm) != "online")
            let anna = try stand.phone("101", at: house.pbx)
            #expect(try Self.presence(of: "101", stand.crm) == "online")
            anna.manner = .rings
            let call = try house.provider.call("79000000030", at: house.pbx, as: "79000000101")
            try stand.until("it rings") { anna.calls.first?.state == .ringing }
            #expect(try Self.presence(of: "101", stand.crm) == "ringing")
            anna.answer(anna.calls[0])
            try stand.until("they talk") { call.state == .talking }
            try stand.until("Anna is busy") { try Self.presence(of: "101", stand.crm) == "busy" }
            house.provider.hangUp(call)
            try stand.until("Anna is free again") { try Self.presence(of: "101", stand.crm) == "online" }
        }

        @Test(.timeLimit(.minutes(1)))
        func `a call from outside is recorded with each voice in its own channel, and logged whole`() throws {
            let house = try House()
            let stand = house.stand
            let anna = try stand.phone("101", at: house.pbx)
            let call = try house.provider.call("79000000030", at: house.pbx, as: "79000000101")
            try stand.until("they talk") { call.state == .talking && anna.calls.first?.state == .talking }
            try stand.talk([call, anna.calls[0]], packets: 100)
            #expect(Tone.share(of: 440, in: call.samples.suffix(4000)) > 0.9)
            #expect(Tone.share(of: 1000, in: anna.calls[0].samples.suffix(4000)) > 0.9)
            house.provider.hangUp(call)
            let record = try stand.oneCall(recorded: true)
            Self.expectWhole(record)
            let sound = try #require(try stand.recording(of: record))
            #expect(sound.channels.count == 2)
            #expect(sound.rate == 8000)
            let middle = sound.channels.map { $0.dropFirst(4000).prefix(8000) }
            #expect(Tone.share(of: 1000, in: middle[0]) > 0.9, "the caller is left")
            #expect(Tone.share(of: 440, in: middle[1]) > 0.9, "who talks with him is right")
        }

        @Test(.timeLimit(.minutes(1)), .enabled(if: Programs.has("opusenc") || Programs.has("ffmpeg")))
        func `a recording that is made Opus is served as such, and nothing is left beside it`() throws {
            let house = try House(plan: Self.plan + "\n  recording_format: opus")
            let stand = house.stand
            let anna = try stand.phone("101", at: house.pbx)
            let call = try house.provider.call("79000000030", at: house.pbx, as: "79000000101")
            try stand.until("they talk") { call.state == .talking && anna.calls.first?.state == .talking }
            try stand.talk([call, anna.calls[0]])
            house.provider.hangUp(call)
            let record = try stand.oneCall(recorded: true)
            let id = try #require(record["id"]?.string), name = try #require(record["recordings"]?[0]?["id"]?.string)
            let answer = try stand.crm.get("/calls/\(id)/recordings/\(name)/media")
            #expect(answer.header("Content-Type") == "audio/ogg")
            #expect(answer.header("Content-Disposition")?.contains("\(name).ogg") == true)
            #expect(answer.body.starts(with: "OggS".utf8))
            try stand.until("the original is removed") { try stand.leftRecordings.isEmpty }
        }

        /// Field by field, as call-record.md names them.
        private static func expectWhole(_ record: JSONValue) {
            let what = String(decoding: record.encoded, as: UTF8.self)
            for (name, value) in [
                ("direction", "inbound"), ("state", "ended"), ("disposition", "answered"), ("connection_id", "office"),
                ("provider", "sip"), ("ended_by", "external_party"),
            ] { #expect(record[name]?.string == value, "\(name): \(what)") }
            #expect(record["external_party"]?["number"]?["e164"]?.string == "+79000000101", "\(what)")
            #expect(record["line"]?["number"]?["e164"]?.string == "+79000000030", "\(what)")
            #expect(record["attribution"]?["channel"]?.string == "yandex-direct", "\(what)")
            #expect(record["cause"]?["q850"]?.int == 16, "\(what)")
            let moments = ["started_at", "answered_at", "ended_at"].compactMap { record[$0]?.string }
            #expect(moments.count == 3 && moments == moments.sorted(), "\(what)")
            #expect(record["legs"]?.elements.isEmpty == false, "\(what)")
            let people = record["participants"]?.elements.filter { $0["kind"]?.string == "user" } ?? []
            #expect(people.map { $0["extension"]?.string } == ["101"], "\(what)")
            #expect(record["recordings"]?.elements.count == 1, "\(what)")
            #expect(record["recordings"]?[0]?["channels"]?.int == 2, "\(what)")
        }

        @Test(.timeLimit(.minutes(1)))
        func `nobody answers, and a call that the caller takes back is missed`() throws {
            let house = try House()
            let stand = house.stand
            let anna = try stand.phone("101", at: house.pbx)
            anna.manner = .rings
            let call = try house.provider.call("79000000030", at: house.pbx, as: "79000000101")
            try stand.until("it rings") { anna.calls.first?.state == .ringing && call.state == .ringing }
            house.provider.hangUp(call)
            try stand.until("Anna's telephone falls silent") { anna.calls[0].state == .ended }
            let record = try stand.oneCall()
            #expect(record["disposition"]?.string == "missed" || record["disposition"]?.string == "cancelled", "\(record)")
            #expect(record["ended_by"]?.string == "external_party")
            #expect(record["answered_at"]?.string == nil)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a telephone calls out over the trunk, and the keys it presses are heard there`() throws {
            let house = try House()
            let stand = house.stand
            let anna = try stand.phone("101", at: house.pbx)
            let call = try anna.call("89000000102", at: house.pbx)
            try stand.until("they talk") { call.state == .talking && house.provider.calls.first?.state == .talking }
            let far = house.provider.calls[0]
            let dialled = far.invitation?.requestURI?.user.map { String(decoding: $0, as: UTF8.self) }
            #expect(dialled?.contains("79000000102") == true)
            try stand.talk([call, far])
            for key in "12#" {
                call.press(key)
                try stand.until("\(key) is heard") { far.digits.last == key }
            }
            #expect(far.digits == "12#")
            house.provider.hangUp(far)
            try stand.until("Anna hears of it") { call.state == .ended }
            let record = try stand.oneCall()
            #expect(record["direction"]?.string == "outbound")
            #expect(record["disposition"]?.string == "answered")
            #expect(record["external_party"]?["number"]?["e164"]?.string == "+79000000102")
            #expect(record["ended_by"]?.string == "external_party")
        }

        @Test(.timeLimit(.minutes(1)))
        func `a provider that says busy is told as busy`() throws {
            let house = try House()
            let stand = house.stand
            let anna = try stand.phone("101", at: house.pbx)
            house.provider.manner = .refuses(486)
            let call = try anna.call("89000000102", at: house.pbx)
            try stand.until("it is over") { call.state == .ended }
            #expect(call.status == 486)
            let record = try stand.oneCall()
            #expect(record["disposition"]?.string == "busy")
            #expect(record["cause"]?["sip"]?.int == 486)
        }

        // MARK: Orders

        @Test(.timeLimit(.minutes(1)))
        func `click to call rings the employee first, and every command of a call is carried out`() throws {
            let house = try House()
            let stand = house.stand
            let anna = try stand.phone("101", at: house.pbx)
            let place = try stand.order("/calls", #"{"from":{"extension":"101"},"to":"89000000102","connection":"office"}"#)
            try stand.until("they talk") { anna.calls.first?.state == .talking && house.provider.calls.first?.state == .talking }
            let near = anna.calls[0]
            let far = house.provider.calls[0]
            try stand.talk([near, far])
            let calls = try stand.calls("the call is talked in") { $0.count == 1 && $0[0]["answered_at"]?.string != nil }
            let id = try #require(calls[0]["id"]?.string)
            let command = try Self.settled(place, stand)
            #expect(command["status"]?.string == "confirmed", "\(command)")
            #expect(command["result_call_id"]?.string == id, "\(command)")
            let keys = try stand.order("/calls/\(id)/dtmf", #"{"digits":"42"}"#)
            try stand.until("the keys are heard outside") { far.digits == "42" }
            let hold = try stand.order("/calls/\(id)/hold", "{}")
            let resume = try Self.afterHold(id, hold, stand)
            let end = try stand.order("/calls/\(id)/hangup", "{}")
            try stand.until("both are rid of it") { near.state == .ended && far.state == .ended }
            let record = try stand.oneCall()
            #expect(record["ended_by"]?.string == "user", "\(record)")
            for place in [keys, hold, resume, end] {
                let command = try Self.settled(place, stand)
                #expect(command["status"]?.string == "confirmed", "\(command)")
                #expect(command["call_id"]?.string == id, "\(command)")
            }
        }

        private static func afterHold(_ id: String, _ hold: String, _ stand: SIPStand) throws -> String {
            _ = try settled(hold, stand)
            return try stand.order("/calls/\(id)/resume", "{}")
        }

        private static func settled(_ place: String, _ stand: SIPStand) throws -> JSONValue {
            var command = JSONValue.null
            try stand.until("the command is settled") {
                command = try stand.crm.json(place)
                return !["accepted", "sent"].contains(command["status"]?.string)
            }
            return command
        }

        @Test(.timeLimit(.minutes(1)))
        func `a call passed on by the API goes on with the other employee, and its record tells both`() throws {
            let house = try House()
            let stand = house.stand
            let anna = try stand.phone("101", at: house.pbx)
            let boris = try stand.phone("102", at: house.pbx)
            boris.tone = 600
            let call = try house.provider.call("79000000030", at: house.pbx, as: "79000000101")
            try stand.until("they talk") { call.state == .talking && anna.calls.first?.state == .talking }
            try stand.talk([call, anna.calls[0]])
            let calls = try stand.calls("the call is talked in") { $0.count == 1 && $0[0]["answered_at"]?.string != nil }
            let id = try #require(calls[0]["id"]?.string)
            _ = try stand.order("/calls/\(id)/transfer", #"{"to":"102"}"#)
            try stand.until("Boris has it") { boris.calls.first?.state == .talking && anna.calls[0].state == .ended }
            try stand.talk([call, boris.calls[0]], packets: 60)
            #expect(Tone.share(of: 600, in: call.samples.suffix(4000)) > 0.9)
            house.provider.hangUp(call)
            let record = try stand.oneCall(recorded: true)
            let people = record["participants"]?.elements.compactMap { $0["extension"]?.string } ?? []
            #expect(Set(people) == ["101", "102"], "\(record)")
            #expect(record["transfers"]?.elements.count == 1, "\(record)")
            #expect(record["recordings"]?.elements.count == 1)
        }

        // MARK: Changes and endings

        @Test(.timeLimit(.minutes(1)))
        func `a call lives on when the file changes, and the next one goes by the new plan`() throws {
            let house = try House()
            let stand = house.stand
            let anna = try stand.phone("101", at: house.pbx)
            let boris = try stand.phone("102", at: house.pbx)
            let call = try house.provider.call("79000000030", at: house.pbx, as: "79000000101")
            try stand.until("they talk") { call.state == .talking && anna.calls.first?.state == .talking }
            try stand.premises.write("office", SIPStand.office(Self.plan.replacing(#"{ring: "101""#, with: #"{ring: "102""#)))
            stand.gateway.kill(SIGHUP)
            try stand.until("the file is read") { stand.gateway.log.text.split(separator: "event=connections.loaded").count > 2 }
            try stand.talk([call, anna.calls[0]], packets: 150)
            #expect(call.state == .talking)
            let next = try house.provider.call("79000000030", at: house.pbx, as: "79000000102")
            try stand.until("Boris has the next one") { boris.calls.first?.state == .talking && next.state == .talking }
            house.provider.hangUp(call)
            house.provider.hangUp(next)
            let calls = try stand.calls("both are over") { $0.count == 2 && $0.allSatisfy { $0["state"]?.string == "ended" } }
            #expect(calls.allSatisfy { $0["disposition"]?.string == "answered" && $0["ended_by"]?.string == "external_party" })
        }

        @Test(.timeLimit(.minutes(1)))
        func `a gateway that is ended in a call says goodbye to both ends, and logs the call as over`() throws {
            let house = try House()
            let stand = house.stand
            let anna = try stand.phone("101", at: house.pbx)
            let call = try house.provider.call("79000000030", at: house.pbx, as: "79000000101")
            try stand.until("they talk") { call.state == .talking && anna.calls.first?.state == .talking }
            try stand.talk([call, anna.calls[0]])
            stand.gateway.kill(SIGTERM)
            try stand.until("both hear BYE") { call.state == .ended && anna.calls[0].state == .ended }
            #expect(stand.gateway.waitForEnd() == .exited(0), "\(stand.gateway.log.text)")
            try stand.reopen()
            let record = try stand.oneCall()
            #expect(record["ended_by"]?.string == "system", "\(record)")
            #expect(record["answered_at"]?.string != nil)
        }
    }
}
