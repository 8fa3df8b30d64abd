import Connector

/// Reads what a provider's history or statistics answered: pure, without asking for it.
///
/// One value reads one kind of answer of one connection; it is made of the connection's settings (a time zone, the columns that were
/// asked for).
package protocol HistoryReader: Sendable {
    /// - Parameter body: one answer, whole.
    /// - Throws: `HistoryError` where the answer as a whole is not what was asked for. A row that cannot be read is counted instead.
    func read(_ body: [UInt8]) throws(HistoryError) -> HistoryRows
}

extension HistoryReader {
    /// What a journalled answer says: the events of its rows, and that some could not be read.
    package func decode(_ raw: RawRecord) -> [Decoded] {
        let page: HistoryRows
        do throws(HistoryError) {
            page = try read(raw.body)
        } catch {
            return [.undecoded(reason: error.description)]
        }
        var decoded = page.rows.flatMap { $0.events(of: raw.stamp) }.map(Decoded.call)
        if page.skipped > 0 { decoded.append(.undecoded(reason: "\(page.skipped) rows cannot be read")) }
        return decoded.isEmpty ? [.ignored(reason: "no calls")] : decoded
    }
}

/// What one answer told.
package struct HistoryRows: Hashable, Sendable {
    /// One for each call, or for each employee's part in it, as far as the provider's rows can be put together; in their order.
    package var rows: [HistoryRow]
    /// Rows that could not be read, or name neither a call nor a time.
    package var skipped: Int

    package init(rows: [HistoryRow] = [], skipped: Int = 0) {
        self.rows = rows
        self.skipped = skipped
    }
}

/// What a provider's history says of one call, in our words.
///
/// It fills what webhooks left open and displaces nothing that they told: histories often count whole seconds, and know no legs.
/// Where a provider tells how long they spoke and not when the call ended, the end is unknown.
package struct HistoryRow: Hashable, Sendable {
    /// Names of the call; empty where the history has none. Such a row belongs to the call that it is like.
    package var keys: [ExternalKey]
    package var facts: CallFacts
    /// How the call ended; nil in a list of recordings.
    package var ending: EndReport?
    package var recordings: [RecordingReport]
    /// Vendor fields that have no place in the record.
    package var custom: [CustomField]
    /// It says too little to be a call: it belongs to the one that its names are told of (`CallEvent.onlyJoins`).
    package var onlyJoins: Bool

    package init(
        keys: [ExternalKey], facts: CallFacts, ending: EndReport? = nil, recordings: [RecordingReport] = [],
        custom: [CustomField] = [], onlyJoins: Bool = false
    ) {
        self.keys = keys
        self.facts = facts
        self.ending = ending
        self.recordings = recordings
        self.custom = custom
        self.onlyJoins = onlyJoins
    }
}

// MARK: - Events

extension HistoryRow {
    /// The row as events, of source `history`: one of the call, unless the row tells of recordings alone, and one for each recording.
    /// The same row read again gives the same events.
    ///
    /// A row without a name gets one of its own, and says what its call is like: the ledger finds that.
    /// - Parameter raw: the record in which the answer was journalled.
    package func events(of raw: RawStamp) -> [CallEvent] {
        let keys = keys.isEmpty ? [ownName] : keys
        var events: [CallEvent] = []
        if ending != nil || recordings.isEmpty { events.append(callEvent(raw, keys)) }
        for recording in recordings {
            var event = event(raw, keys, of: recording)
            if ending == nil {
                event.facts = facts
                event.custom = custom
            }
            events.append(event)
        }
        for place in events.indices {
            events[place].onlyJoins = onlyJoins
            if self.keys.isEmpty { events[place].likeness = likeness }
        }
        return events
    }

    /// `nil` without a time or an employee: that is too little to find a call by.
    private var likeness: CallLikeness? {
        guard let start = facts.startedAt, let employee else { return nil }
        return CallLikeness(
            part: employee, direction: facts.direction, number: facts.externalNumber, line: facts.line, startedAt: start)
    }

    private func callEvent(_ raw: RawStamp, _ keys: [ExternalKey]) -> CallEvent {
        var repeatKey = repeatKey(raw, keys)
        repeatKey.add(facts.startedAt?.description ?? "")
        repeatKey.add(ending?.endedAt?.description ?? "")
        repeatKey.add(ending.map { "\($0.reason) \($0.answered.map(String.init) ?? "")" } ?? "")
        for talk in ending?.talks ?? [] {
            let moments = [talk.from, talk.to, talk.since].map { $0?.description ?? "" }
            repeatKey.add("\(talk.user) \(moments.joined(separator: " "))")
        }
        var event = CallEvent(
            id: repeatKey.eventID(), rawID: raw.id, keys: keys, type: ending == nil ? .updated : .ended,
            occurredAt: ending?.endedAt ?? facts.startedAt ?? raw.receivedAt, receivedAt: raw.receivedAt, source: .history)
        event.facts = facts
        event.ending = ending
        event.custom = custom
        return event
    }

    private func event(_ raw: RawStamp, _ keys: [ExternalKey], of recording: RecordingReport) -> CallEvent {
        var repeatKey = repeatKey(raw, keys)
        repeatKey.add(recording.key)
        repeatKey.add(recording.phase.rawValue)
        return CallEvent(
            id: repeatKey.eventID(), rawID: raw.id, keys: keys, type: recording.phase == .ready ? .recordingReady : .updated,
            occurredAt: raw.receivedAt, receivedAt: raw.receivedAt, source: .history, recording: recording)
    }

    private func repeatKey(_ raw: RawStamp, _ keys: [ExternalKey]) -> RepeatKey {
        var key = RepeatKey(raw.connection)
        key.add("history" as StaticString)
        key.add(keys[0].kind.rawValue)
        key.add(keys[0].value)
        return key
    }

    /// A name made of what tells the row from others.
    private var ownName: ExternalKey {
        var hash = StableHash()
        for part in [facts.startedAt?.description, facts.direction?.rawValue, employee, facts.externalNumber] {
            hash.combine(part ?? "")
        }
        return ExternalKey(.call, "history:" + String(hash.value, radix: 16))
    }

    private var employee: String? {
        if case .user(let name, _) = ending?.user { name } else { nil }
    }
}

// MARK: - Errors

/// Why an answer gave no rows. Carries nothing of it but the provider's short code.
package struct HistoryError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// Not the format that was asked for.
        case unreadable
        /// The provider answered with an error of his own.
        case refused
        /// More rows than the limit.
        case tooMany
    }

    package let code: Code
    package let reason: String

    /// - Parameter reason: must hold no part of the answer but what `shortCode` lets through.
    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { "history: \(code.rawValue): \(reason)" }

    /// A provider's code as it may be told: at most 64 letters, digits and `_-.`, without six digits in a row; else `unknown`.
    package static func shortCode(_ text: String?) -> String {
        guard let text, (1...64).contains(text.utf8.count) else { return "unknown" }
        var run = 0
        for byte in text.utf8 {
            let isDigit = (0x30...0x39).contains(byte)
            run = isDigit ? run + 1 : 0
            let isLetter = (UInt8(ascii: "a")...UInt8(ascii: "z")).contains(byte | 0x20)
            guard run < 6, isDigit || isLetter || "_-.".utf8.contains(byte) else { return "unknown" }
        }
        return text
    }
}
