import Connector
import Testing

@testable import AsteriskAdapter

/// An attended transfer by the telephone itself, REFER with Replaces: two calls that become one, and whose Linkedid changes without a word.
struct ReplacesTests {
    private struct Leg {
        let id: String
        let channel: String
        let number: String
        var call: String

        func keys(_ prefix: String = "") -> String {
            "\(prefix)Channel: \(channel)\r\n\(prefix)CallerIDNum: \(number)\r\n\(prefix)Uniqueid: \(id)\r\n\(prefix)Linkedid: \(call)\r\n"
        }

        func bridge(_ kind: String, _ name: String) -> String {
            "Event: \(kind)\r\nBridgeUniqueid: \(name)\r\nBridgeType: basic\r\nChannelState: 6\r\n\(keys())"
        }
    }

    private static let customer = Leg(id: "1.1", channel: "PJSIP/trunk-00000001", number: "+79000000043", call: "1.1")
    private static let first = Leg(id: "1.2", channel: "PJSIP/101-00000002", number: "101", call: "1.1")
    private static let asking = Leg(id: "1.3", channel: "PJSIP/101-00000003", number: "101", call: "1.3")
    private static let target = Leg(id: "1.4", channel: "PJSIP/103-00000004", number: "103", call: "1.3")

    /// What the server says; the target's Linkedid is the older call's from the transfer on.
    /// - Parameter isTold: whether it says that there was a transfer.
    private static func story(isTold: Bool) -> [String] {
        var moved = target
        moved.call = customer.call
        var story = [
            "Event: Newchannel\r\nChannelState: 4\r\nExten: +79000000001\r\n\(customer.keys())",
            "Event: Newchannel\r\nChannelState: 0\r\n\(first.keys())",
            "Event: DialBegin\r\nExten: +79000000001\r\n\(customer.keys())\(first.keys("Dest"))",
            "Event: Newstate\r\nChannelState: 5\r\n\(first.keys())",
            "Event: DialEnd\r\nDialStatus: ANSWER\r\n\(customer.keys())\(first.keys("Dest"))",
            first.bridge("BridgeEnter", "b1"), customer.bridge("BridgeEnter", "b1"),
            "Event: Hold\r\n\(first.keys())",
            "Event: Newchannel\r\nChannelState: 4\r\nExten: 103\r\n\(asking.keys())",
            "Event: Newchannel\r\nChannelState: 0\r\n\(target.keys())",
            "Event: DialBegin\r\nExten: 103\r\n\(asking.keys())\(target.keys("Dest"))",
            "Event: Newstate\r\nChannelState: 5\r\n\(target.keys())",
            "Event: DialEnd\r\nDialStatus: ANSWER\r\n\(asking.keys())\(target.keys("Dest"))",
            target.bridge("BridgeEnter", "b2"), asking.bridge("BridgeEnter", "b2"),
        ]
        if isTold {
            story.append(
                "Event: AttendedTransfer\r\nResult: Success\r\n\(first.keys("OrigTransferer"))\(asking.keys("SecondTransferer"))"
                    + "\(customer.keys("Transferee"))\(target.keys("TransferTarget"))DestType: Bridge\r\n")
        }
        story += [
            customer.bridge("BridgeLeave", "b1"), asking.bridge("BridgeLeave", "b2"), customer.bridge("BridgeEnter", "b2"),
            "Event: Hangup\r\nCause: 16\r\n\(asking.keys())",
            first.bridge("BridgeLeave", "b1"),
            "Event: Hangup\r\nCause: 16\r\n\(first.keys())",
            "Event: HangupRequest\r\nCause: 16\r\n\(customer.keys())",
            moved.bridge("BridgeLeave", "b2"), customer.bridge("BridgeLeave", "b2"),
            "Event: Hangup\r\nCause: 16\r\n\(moved.keys())",
            "Event: Hangup\r\nCause: 16\r\n\(customer.keys())",
        ]
        return story
    }

    @Test func `two calls that a telephone joins are one, and whoever took it over owns it`() throws {
        let calls = try Self.play(isTold: true)
        #expect(calls.count == 1)
        let call = try #require(calls.first)
        #expect(call["direction"] == "inbound")
        #expect(call["owner_user_id"] == "pbx/103")
        #expect(call["first_user_id"] == "pbx/101")
        #expect(call["ended_by"] == "external_party")
        #expect(call["external_party"]?["number"]?["raw"] == "+79000000043")
        #expect(call["transfers"]?.elements.map { $0["kind"]?.string } == ["attended"])
        #expect(call["transfers"]?.elements.map { $0["status"]?.string } == ["completed"])
    }

    @Test func `that a call is another's is also seen by its legs alone`() throws {
        let calls = try Self.play(isTold: false)
        #expect(calls.count == 1)
        #expect(calls.first?["state"] == "ended")
        #expect(calls.first?["external_party"]?["number"]?["raw"] == "+79000000043")
    }

    /// The events come half a second apart.
    private static func play(isTold: Bool) throws -> [JSONValue] {
        var player = TracePlayer(try Trace("inbound-answered"))
        player.open()
        try player.feed(Trace.greeting + Trace.booted, at: 0)
        for (index, message) in story(isTold: isTold).enumerated() {
            try player.feed(Array("\(message)\r\n".utf8), at: 1 + Double(index) / 2)
        }
        #expect(player.openCount == 0)
        #expect(player.undecoded == [])
        return try player.calls()
    }
}
