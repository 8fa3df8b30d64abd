/// An event that the journal keeps and that cannot be read back. Its call is left alone: a record without it would be wrong.
package struct UnreadableEvent: Error, Sendable, Equatable, CustomStringConvertible {
    package var event: EventID
    package var call: CallID

    package init(event: EventID, call: CallID) {
        self.event = event
        self.call = call
    }

    package var description: String { "the stored event \(event) of \(call) cannot be read back" }
}

extension CallHistory {
    /// The history of a call as the journal keeps it.
    package init(_ rows: [EventRow]) throws(UnreadableEvent) {
        self = try Self.read(rows, forgiving: nil).history
    }

    /// Reads a call's rows; those of the raw record at `position` may be unreadable.
    /// - Returns: the history, and the events that are missing in it.
    static func read(
        _ rows: [EventRow], forgiving position: Int64?
    ) throws(UnreadableEvent) -> (history: CallHistory, unreadable: [EventID]) {
        var history = CallHistory()
        var unreadable: [EventID] = []
        for row in rows {
            if let event = CallEvent(encoded: row.body) {
                history.insert(event)
            } else if row.rawPosition == position {
                unreadable.append(row.id)
            } else {
                throw UnreadableEvent(event: row.id, call: row.call)
            }
        }
        return (history, unreadable)
    }
}
