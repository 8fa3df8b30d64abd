/// Calls of one connection by when they began and whom they were with: where a row of its history looks for the call it tells of.
///
/// What a look costs depends on how many calls are found, not on how many there are.
struct NearbyCalls {
    /// Where a call is found.
    struct Place: Hashable {
        let startedAt: Instant
        /// E.164 of the outside party, or its raw text; `nil` where that is not known yet.
        let number: String?
    }

    private struct Entry: Hashable {
        let startedAt: Instant
        let call: CallID

        func hash(into hasher: inout Hasher) { hasher.combine(call) }
    }

    /// Calls with one number, in one longer span of time.
    private struct NumberSpan: Hashable {
        let number: String?
        let span: Int64
    }

    /// Spans of time, as how many bits of milliseconds they leave out: four seconds, and seventy minutes.
    private static let startBits: Int64 = 12
    private static let numberBits: Int64 = 22

    private var byStart: [Int64: Set<Entry>] = [:]
    private var byNumber: [NumberSpan: Set<Entry>] = [:]

    mutating func add(_ call: CallID, at place: Place) {
        let entry = Entry(startedAt: place.startedAt, call: call)
        byStart[Self.startSpan(of: place.startedAt), default: []].insert(entry)
        byNumber[Self.numberSpan(of: place), default: []].insert(entry)
    }

    mutating func remove(_ call: CallID, at place: Place) {
        let entry = Entry(startedAt: place.startedAt, call: call)
        Self.remove(entry, from: &byStart, at: Self.startSpan(of: place.startedAt))
        Self.remove(entry, from: &byNumber, at: Self.numberSpan(of: place))
    }

    /// Calls that began in `span`, the newest first.
    func calls(in span: ClosedRange<Instant>) -> [CallID] {
        let spans = Self.startSpan(of: span.lowerBound)...Self.startSpan(of: span.upperBound)
        return Self.newestFirst(Self.sets(of: byStart, in: spans, key: { $0 }, span: { $0 }), in: span)
    }

    /// Calls with `number` that began in `span`, and those whose number is not known yet; the newest first.
    func calls(with number: String, in span: ClosedRange<Instant>) -> [CallID] {
        let spans = span.lowerBound.milliseconds >> Self.numberBits...span.upperBound.milliseconds >> Self.numberBits
        let sets = [number, nil].flatMap { number in
            Self.sets(
                of: byNumber.count < spans.count ? byNumber.filter { $0.key.number == number } : byNumber, in: spans,
                key: { NumberSpan(number: number, span: $0) }, span: \.span)
        }
        return Self.newestFirst(sets, in: span)
    }

    var isEmpty: Bool { byStart.isEmpty && byNumber.isEmpty }

    // MARK: Spans

    private static func startSpan(of moment: Instant) -> Int64 { moment.milliseconds >> startBits }

    private static func numberSpan(of place: Place) -> NumberSpan {
        NumberSpan(number: place.number, span: place.startedAt.milliseconds >> numberBits)
    }

    /// The sets of some spans: asked for one by one, or, where fewer are there than that would be, picked out of all.
    private static func sets<Key: Hashable>(
        of all: [Key: Set<Entry>], in spans: ClosedRange<Int64>, key: (Int64) -> Key, span: (Key) -> Int64
    ) -> [Set<Entry>] {
        if all.count < spans.count { return all.filter { spans.contains(span($0.key)) }.map(\.value) }
        return spans.compactMap { all[key($0)] }
    }

    private static func newestFirst(_ sets: [Set<Entry>], in span: ClosedRange<Instant>) -> [CallID] {
        sets.joined().filter { span.contains($0.startedAt) }
            .sorted { ($0.startedAt, $0.call) > ($1.startedAt, $1.call) }
            .map(\.call)
    }

    private static func remove<Key: Hashable>(_ entry: Entry, from sets: inout [Key: Set<Entry>], at key: Key) {
        sets[key]?.remove(entry)
        if sets[key]?.isEmpty == true { sets[key] = nil }
    }
}
