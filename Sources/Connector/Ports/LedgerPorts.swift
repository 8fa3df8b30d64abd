/// Tells which event and which raw request set each field of a call.
package protocol CallExplainer: Sendable {
    /// A JSON object; `nil` for an unknown call. Blocks: called on a thread that may wait, never on an event loop.
    func explain(_ call: CallID) throws -> [UInt8]?
}

/// Reads raw records again, after a decoder was mended.
package protocol Replayer: Sendable {
    /// Decodes the selected records again and folds what they tell anew.
    /// - Parameter dryRun: says what would change, and changes nothing.
    func replay(_ selection: ReplaySelection, dryRun: Bool) async throws -> ReplayReport
}

/// Which raw records to read again. Only records of these connections are touched.
package struct ReplaySelection: Sendable, Equatable {
    package var connections: [ConnectionID]
    /// One record alone; the other conditions then do not count.
    package var record: RawID?
    /// Only records in this state.
    package var state: DecodingState?
    /// `received_at` in `[from, to)`.
    package var receivedFrom: Instant?
    package var receivedTo: Instant?

    package init(
        connections: [ConnectionID], record: RawID? = nil, state: DecodingState? = nil, receivedFrom: Instant? = nil,
        receivedTo: Instant? = nil
    ) {
        self.connections = connections
        self.record = record
        self.state = state
        self.receivedFrom = receivedFrom
        self.receivedTo = receivedTo
    }
}

/// What a replay did, or would do.
package struct ReplayReport: Sendable {
    /// One call that comes out otherwise than before.
    package struct Difference: Sendable {
        package var call: CallID
        /// The call's JSON object before; `nil` where there was none.
        package var before: [UInt8]?
        /// The call's JSON object after; `nil` where no event of it is left.
        package var after: [UInt8]?

        package init(call: CallID, before: [UInt8]?, after: [UInt8]?) {
            self.call = call
            self.before = before
            self.after = after
        }
    }

    /// Raw records read again.
    package var records: Int
    /// How many of them came out in which state.
    package var states: [DecodingState: Int]
    package var differences: [Difference]

    package init(records: Int, states: [DecodingState: Int] = [:], differences: [Difference] = []) {
        self.records = records
        self.states = states
        self.differences = differences
    }
}
