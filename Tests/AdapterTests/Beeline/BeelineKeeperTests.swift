import Connector
import TestSupport
import Testing

@testable import BeelineAdapter

/// Beeline as the keeper needs it: two employees, and subscriptions that are granted by number.
private final class PortalOutgoing: Outgoing {
    struct State {
        var log: [String] = []
        var bodies: [String] = []
        var granted = 0
        var known: [String: String] = [:]
        /// What is answered instead, by the beginning of the log's line.
        var refusals: [String: Int] = [:]
    }

    let state = Guarded(State())

    var log: [String] { state.withLock { $0.log } }

    func refuse(_ line: String, _ status: Int?) { state.withLock { $0.refusals[line] = status } }

    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        let target = request.url.replacing(BeelineServer.standard, with: "")
        let line = "\(request.method) \(target)"
        return state.withLock { state in
            state.log.append(line)
            if let status = state.refusals.first(where: { line.hasPrefix($0.key) })?.value {
                return OutgoingResponse(status: status, body: Array(#"{"errorCode":"X"}"#.utf8))
            }
            let body = Self.answer(line, String(decoding: request.body, as: UTF8.self), &state)
            return OutgoingResponse(status: body == nil ? 404 : 200, body: Array((body ?? "{}").utf8))
        }
    }

    private static func answer(_ line: String, _ body: String, _ state: inout State) -> String? {
        let id = line.split(separator: "=").last.map(String.init) ?? ""
        if line == "GET abonents" {
            return #"[{"userId":"9000000021@ip.beeline.ru","phone":"9000000021"},{"userId":"102@ip.beeline.ru"}]"#
        }
        if line == "PUT subscription" {
            state.granted += 1
            state.bodies.append(body)
            let address = (try? JSONValue(parsing: body))?["url"]?.string ?? ""
            state.known["s-\(state.granted)"] = address
            return #"{"subscriptionId":"s-\#(state.granted)","expires":3600}"#
        }
        if line.hasPrefix("DELETE subscription?") { return state.known.removeValue(forKey: id).map { _ in "" } }
        return state.known[id].map { #"{"subscriptionId":"\#(id)","expires":3600,"url":"\#($0)"}"# }
    }
}

@Suite struct BeelineKeeperTests {
    private let portal = PortalOutgoing()

    private func keeper(_ plan: BeelinePlan = .employees) throws -> any ConnectionKeeper {
        let server = try #require(BeelineServer(BeelineServer.standard))
        let client = BeelineClient(server: server, token: BeelineClientTests.token, plan: plan, outgoing: portal)
        return try #require(client.keeper)
    }

    @Test func `employees are subscribed to, and renewed before the end that was granted`() async throws {
        let bench = KeeperBench()
        try await bench.running(try keeper()) {
            #expect(await bench.stands { $0.condition == .good && $0.kept == 2 })
            #expect(portal.log == ["GET abonents", "PUT subscription", "PUT subscription"])
            #expect(bench.notes.saves.withLock { $0 } == 1, "names are kept together, not one by one")
            let wanted =
                #"{"pattern":"9000000021@ip.beeline.ru","expires":86400,"subscriptionType":"BASIC_CALL","url":"\#(KeeperBench.address)/employee/9000000021"}"#
            #expect(portal.state.withLock { $0.bodies[0] } == wanted)
            #expect(await bench.pause.waitForSleepers())
            bench.pause.advance(by: .seconds(3000))
            #expect(await eventually { portal.log.count(where: { $0 == "PUT subscription" }) == 4 })
            #expect(await bench.stands { $0.items.allSatisfy { $0.until == bench.now.advanced(by: .seconds(3600)) } })
        }
    }

    @Test func `at its end it unsubscribes from nothing, and after a restart it subscribes to nothing anew`() async throws {
        let first = KeeperBench()
        try await first.running(try keeper()) { #expect(await first.stands { $0.condition == .good }) }
        #expect(!portal.log.contains { $0.hasPrefix("DELETE") })
        #expect(first.notes.text?.contains("s3cr3t") == false)
        let before = portal.log.count
        let second = KeeperBench(notes: first.notes)
        try await second.running(try keeper()) { #expect(await second.stands { $0.condition == .good && $0.kept == 2 }) }
        #expect(
            Array(portal.log[before...]) == [
                "GET abonents", "GET subscription?subscriptionId=s-1", "GET subscription?subscriptionId=s-2",
            ])
    }

    @Test func `what Beeline ends is begun anew`() async throws {
        let bench = KeeperBench()
        try await bench.running(try keeper(.company)) {
            #expect(await bench.stands { $0.condition == .good })
            bench.pause.advance(by: .seconds(120))
            bench.tell("subscription_terminated", ["subscriptionId": "s-1"])
            #expect(await eventually { portal.log.count == 2 })
            #expect(await bench.stands { $0.kept == 1 })
        }
        #expect(portal.log == ["PUT subscription", "PUT subscription"])
    }

    @Test func `one that was made by hand is ended once ours is held`() async throws {
        portal.state.withLock { $0.known["by-hand"] = KeeperBench.address }
        let bench = KeeperBench()
        bench.tell("subscription_foreign", ["subscriptionId": "by-hand"])
        try await bench.running(try keeper(.company)) {
            #expect(await eventually { portal.log.last == "DELETE subscription?subscriptionId=by-hand" })
        }
        #expect(portal.log.first == "PUT subscription")
    }

    @Test func `a portal that is not well is asked again after pauses, and what is held counts`() async throws {
        let bench = KeeperBench()
        try await bench.running(try keeper(.company)) {
            #expect(await bench.stands { $0.condition == .good })
            #expect(await bench.pause.waitForSleepers())
            portal.refuse("PUT", 503)
            bench.pause.advance(by: .seconds(3000))
            #expect(await bench.stands { $0.condition == .impaired && $0.summary.hasPrefix("1 of 1") })
            #expect(await bench.pause.waitForSleepers())
            #expect(bench.pause.ends == [bench.now.advanced(by: .seconds(5))])
            bench.pause.advance(by: .seconds(600))
            #expect(await bench.stands { $0.condition == .failing })
            portal.refuse("PUT", nil)
            #expect(await bench.pause.waitForSleepers())
            bench.pause.advance(by: .seconds(20))
            #expect(await bench.stands { $0.condition == .good })
        }
    }

    @Test func `a wrong token is told with its remedy`() async throws {
        portal.refuse("GET abonents", 401)
        let bench = KeeperBench()
        try await bench.running(try keeper()) {
            #expect(await bench.stands { $0.condition == .failing && $0.remedy?.contains("`token`") == true })
            #expect(await bench.pause.waitForSleepers())
            #expect(bench.pause.ends == [bench.now.advanced(by: .seconds(300))])
        }
    }

    @Test func `a gateway that does not know its own address says what to do`() async throws {
        let bench = KeeperBench(address: nil)
        try await bench.running(try keeper()) {
            #expect(await bench.stands { $0.condition == .impaired && $0.remedy?.contains("public_url") == true })
        }
        #expect(portal.log.isEmpty)
    }

    @Test func `notes that cannot be kept hinder nothing, and are told`() async throws {
        let bench = KeeperBench(notes: MemoryNotes(refusing: "the disk is full"))
        try await bench.running(try keeper(.company)) {
            #expect(await bench.stands { $0.kept == 1 && $0.summary.contains("the disk is full") })
        }
    }
}
