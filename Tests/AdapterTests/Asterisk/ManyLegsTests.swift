import Connector
import Testing

@testable import AsteriskAdapter

/// A group of many telephones: what is written down for each event does not grow with the group.
struct ManyLegsTests {
    private static let first = "1795375000.1"

    @Test(arguments: [3, 40, 200])
    func `a group of telephones that ring together is one call in records of bounded size`(_ count: Int) throws {
        let trace = try Trace("ring-group-answered")
        var player = TracePlayer(trace)
        player.open()
        try player.feed(Trace.greeting + Trace.booted, at: 0)
        for message in Self.story(count) { try player.feed(message, at: 1) }
        #expect(player.openCount == 0)
        let largest = player.records.map(\.body.count).max() ?? 0
        #expect(largest < 16_000, "\(largest)")
        let calls = try player.calls()
        #expect(calls.count == 1)
        let people = calls.first?["participants"]?.elements ?? []
        #expect(people.count { $0["outcome"] == "talked" && $0["kind"] == "user" } == 1)
        #expect(people.count { $0["outcome"] == "answered_elsewhere" } == count - 1)
        #expect(calls.first?["ended_by"] == "external_party")
    }

    /// Every telephone from 100 on rings; the one in the middle answers.
    private static func story(_ count: Int) -> [[UInt8]] {
        let caller =
            "Channel: PJSIP/trunk-00000001\r\nCallerIDNum: +79000000011\r\nExten: +79000000002\r\nUniqueid: \(first)\r\nLinkedid: \(first)\r\n"
        func phone(_ number: Int, _ prefix: String = "") -> String {
            "\(prefix)Channel: PJSIP/\(number)-0000\(number)\r\n\(prefix)CallerIDNum: \(number)\r\n\(prefix)Uniqueid: 1795375000.\(number)\r\n\(prefix)Linkedid: \(first)\r\n"
        }
        var story = ["Event: Newchannel\r\nChannelState: 4\r\n\(caller)"]
        let phones = (0..<count).map { 100 + $0 }
        let winner = 100 + count / 2
        for number in phones {
            story.append("Event: Newchannel\r\nChannelState: 0\r\n\(phone(number))")
            story.append("Event: DialBegin\r\n\(caller)\(phone(number, "Dest"))")
            story.append("Event: Newstate\r\nChannelState: 5\r\n\(phone(number))")
        }
        story.append("Event: DialEnd\r\nDialStatus: ANSWER\r\n\(caller)\(phone(winner, "Dest"))")
        for place in ["\(phone(winner))", caller] {
            story.append("Event: BridgeEnter\r\nBridgeUniqueid: b1\r\nBridgeType: basic\r\nChannelState: 6\r\n\(place)")
        }
        for number in phones where number != winner {
            story.append("Event: DialEnd\r\nDialStatus: CANCEL\r\n\(caller)\(phone(number, "Dest"))")
            story.append("Event: Hangup\r\nCause: 26\r\n\(phone(number))")
        }
        story.append("Event: HangupRequest\r\nCause: 16\r\n\(caller)")
        story.append("Event: Hangup\r\nCause: 16\r\n\(phone(winner))")
        story.append("Event: Hangup\r\nCause: 16\r\n\(caller)")
        return story.map { Array("\($0)\r\n".utf8) }
    }
}
