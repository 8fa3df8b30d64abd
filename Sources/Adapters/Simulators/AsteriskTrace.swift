/// A stream that was recorded from a server: what came, and when. Plays as one connection of a double.
package struct AsteriskTrace: Sendable, Equatable {
    /// A piece as it was read at once.
    package struct Piece: Sendable, Equatable {
        /// Since the connection was opened.
        package var at: Duration
        package var bytes: [UInt8]
    }

    package let pieces: [Piece]

    /// - Parameters:
    ///   - stream: every byte that the server sent.
    ///   - arrivals: lines of a byte offset, a tab, and seconds since the beginning, in their order; a first line of names is passed
    ///     over. Without any the whole stream comes at once.
    ///   - speed: times as fast as it was.
    /// - Returns: nil where the table does not fit the stream.
    package init?(_ stream: [UInt8], arrivals: String, speed: Double = 1) {
        var starts: [(offset: Int, at: Duration)] = []
        for line in arrivals.split(whereSeparator: \.isNewline) {
            let columns = line.split(separator: "\t")
            guard columns.count == 2, let offset = Int(columns[0]) else {
                guard starts.isEmpty else { return nil }
                continue
            }
            guard let seconds = Double(columns[1]), (0...1e6).contains(seconds), speed > 0, (0...stream.count).contains(offset),
                offset >= starts.last?.offset ?? 0
            else { return nil }
            starts.append((offset, .seconds(seconds / speed)))
        }
        if starts.isEmpty { starts = [(0, .zero)] }
        guard starts[0].offset == 0 else { return nil }
        let ends = starts.dropFirst().map(\.offset) + [stream.count]
        pieces = zip(starts, ends).map { Piece(at: $0.at, bytes: Array(stream[$0.offset..<$1])) }.filter { !$0.bytes.isEmpty }
    }

    /// An event of the stream, with the class that one must be allowed to read for it.
    struct Event: Sendable, Equatable {
        var at: Duration
        var category: String
        var bytes: [UInt8]
    }

    /// The events of the ordinary stream, each when its last byte had come: neither answers nor rows of lists, which belong to the
    /// actions of another client, nor what is told at a login.
    var events: [Event] {
        var events: [Event] = []
        var message: [UInt8] = []
        for piece in pieces {
            for byte in piece.bytes {
                message.append(byte)
                guard message.suffix(4).elementsEqual([0x0D, 0x0A, 0x0D, 0x0A]) else { continue }
                if let category = Self.category(of: message) {
                    events.append(Event(at: piece.at, category: category, bytes: message))
                }
                message.removeAll()
            }
        }
        return events
    }

    private static func category(of message: [UInt8]) -> String? {
        var reader = AsteriskActionReader()
        guard case .action(let fields)? = reader.read(message).first, fields.items.first?.name == "Event",
            let privilege = fields["privilege"]?.split(separator: ",").first, fields["event"] != "FullyBooted",
            fields["actionid"] == nil || fields["event"] == "OriginateResponse"
        else { return nil }
        return String(privilege)
    }
}
