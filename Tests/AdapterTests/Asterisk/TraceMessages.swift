import Connector

@testable import AsteriskAdapter

/// A captured stream message by message, and what the server would list at any place of it.
extension Trace {
    /// A message with its empty line, and when it arrived.
    struct Message: Sendable {
        let at: Double
        let bytes: [UInt8]
        let message: ManagerMessage
        let event: ManagerEvent?

        init(at: Double, bytes: [UInt8]) {
            self.at = at
            self.bytes = bytes
            message = ManagerMessage(bytes.dropLast(2))
            event = ManagerEvent(bytes[...])
        }
    }

    /// The messages of one connection behind the greeting; only those that tell of calls.
    func news(of connection: Int = 0) -> [Message] {
        var framing = ManagerFraming()
        var messages: [Message] = []
        for piece in connections[connection].pieces {
            framing.take(piece.bytes)
            while let bytes = try? framing.next() {
                messages.append(Message(at: connections[connection].openedAt + piece.at, bytes: bytes + [0x0D, 0x0A]))
            }
        }
        return messages.filter { $0.event != nil && $0.event != .fullyBooted }
    }

    static let greeting = Array("Asterisk Call Manager/11.0.0\r\n".utf8)

    /// A server that has long been up.
    static let booted = Array("Event: FullyBooted\r\nPrivilege: system,all\r\nUptime: 86400\r\nStatus: Fully Booted\r\n\r\n".utf8)
}

/// What a server would answer to CoreShowChannels, by the events so far. Written for the tests, of nothing that the adapter uses.
struct ChannelList {
    private var channels: [(id: String, fields: [String: String])] = []

    mutating func take(_ message: ManagerMessage) {
        switch message.head.value {
        case "Newchannel", "Newstate":
            note(message, ["Channel", "ChannelState", "CallerIDNum", "Context", "Exten", "Uniqueid", "Linkedid"])
        case "DialBegin":
            if let id = message["DestUniqueid"], let place = place(id) { channels[place].fields["Application"] = "AppDial" }
        case "BridgeEnter":
            note(message, ["Channel", "ChannelState", "CallerIDNum", "Context", "Exten", "Uniqueid", "Linkedid"])
            if let id = message["Uniqueid"], let place = place(id) {
                channels[place].fields["BridgeId"] = message["BridgeUniqueid"]
            }
        case "BridgeLeave":
            if let id = message["Uniqueid"], let place = place(id) { channels[place].fields["BridgeId"] = nil }
        case "Hangup": channels.removeAll { $0.id == message["Uniqueid"] }
        default: break
        }
    }

    private func place(_ id: String) -> Int? { channels.firstIndex { $0.id == id } }

    private mutating func note(_ message: ManagerMessage, _ names: [StaticString]) {
        guard let id = message["Uniqueid"] else { return }
        if place(id) == nil { channels.append((id, [:])) }
        guard let place = place(id) else { return }
        for name in names { channels[place].fields["\(name)"] = message[name] ?? channels[place].fields["\(name)"] }
    }

    /// The answer as the server writes it.
    var answer: [UInt8] {
        var text = "Response: Success\r\nActionID: k1\r\nEventList: start\r\nMessage: Channels will follow\r\n\r\n"
        for channel in channels {
            text += "Event: CoreShowChannel\r\nActionID: k1\r\n"
            for (key, value) in channel.fields.sorted(by: { $0.key < $1.key }) { text += "\(key): \(value)\r\n" }
            text += "Duration: 00:00:00\r\n\r\n"
        }
        text += "Event: CoreShowChannelsComplete\r\nActionID: k1\r\nEventList: Complete\r\nListItems: \(channels.count)\r\n\r\n"
        return Array(text.utf8)
    }
}
