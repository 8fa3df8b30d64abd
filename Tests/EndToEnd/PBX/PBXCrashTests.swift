import Connector
import DoubleServer
import Glibc
import Network
import NetworkTypes
import TestSupport
import Testing

extension EndToEnd {
    /// `kill -9` while people talk.
    struct PBXCrashTests {
        private static let count = 50

        private static let plan = """
              extensions:
                "101": {name: Anna, secret: file:secrets/101, calls: 100}
              incoming:
                other: [{record: on}, {ring: "101", for: 20s}]
            """

        @Test(.timeLimit(.minutes(2)))
        func `after a crash in fifty calls the log is honest, the recordings play, and the trunk is back`() throws {
            let (peer, registrar) = try PBXTrunkTests.registrar()
            let stand = try SIPStand(plan: Self.plan, trunks: [PBXTrunkTests.megafon([peer])])
            stand.add(peer)
            let pbx = try stand.address()
            let anna = try stand.phone("101", at: pbx)
            try stand.until("the trunk is registered") { registrar.bindings[PBXTrunkTests.number] != nil }
            var calls: [PeerCall] = []
            for _ in 0..<Self.count {
                calls.append(try peer.call(PBXTrunkTests.number, at: pbx, as: "79000000101"))
                let call = calls[calls.count - 1]
                try stand.until("it is answered") { call.state == .talking }
            }
            try stand.until("all talk") { anna.calls.count { $0.state == .talking } == Self.count }
            try stand.talk(calls, packets: 50)
            try stand.calls("the log has them all") { $0.count { $0["answered_at"]?.string != nil } == Self.count }
            stand.gateway.kill(SIGKILL)
            #expect(stand.gateway.waitForEnd() == .killed(SIGKILL))
            let heard = registrar.said.count
            try stand.reopen()
            try stand.until("the trunk is registered again", within: .seconds(10)) {
                registrar.said.dropFirst(heard).contains(200)
            }
            let records = try stand.calls("every call is closed, its recording kept") { calls in
                calls.count == Self.count
                    && calls.allSatisfy { call in
                        call["state"]?.string == "ended" && call["recordings"]?[0]?["status"]?.string == "available"
                    }
            }
            for record in records {
                #expect(record["disposition"]?.string == "answered", "\(record)")
                #expect(record["ended_by"]?.string == "system", "\(record)")
                #expect(record["cause"]?["text"]?.string == "the gateway ended in the call", "\(record)")
                let sound = try #require(try stand.recording(of: record))
                #expect(sound.channels.count == 2)
                #expect(sound.seconds > 0.5)
            }
        }
    }
}
