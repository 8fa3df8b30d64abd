/// The kinds of Zadarma's notifications: the value of `event`.
enum ZadarmaEvent: Equatable {
    case start, ringing, answer, end, outStart, outEnd, record, menu
    case sms, transcript, numberLookup, callTracking
    /// Undocumented kinds seen in the wild, and those to come.
    case other

    init(_ word: UnsafeRawBufferPointer) {
        self = Self.words.first { word.isSame(as: $0.word) }?.event ?? .other
    }

    private static let words: [(word: StaticString, event: ZadarmaEvent)] = [
        ("NOTIFY_START", .start),
        ("NOTIFY_INTERNAL", .ringing),
        ("NOTIFY_ANSWER", .answer),
        ("NOTIFY_END", .end),
        ("NOTIFY_OUT_START", .outStart),
        ("NOTIFY_OUT_END", .outEnd),
        ("NOTIFY_RECORD", .record),
        ("NOTIFY_IVR", .menu),
        ("SMS", .sms),
        ("SPEECH_RECOGNITION", .transcript),
        ("NUMBER_LOOKUP", .numberLookup),
        ("CALL_TRACKING", .callTracking),
    ]

    /// What Zadarma signs of this kind; nil where it is not known.
    var signature: ZadarmaSignature? {
        switch self {
        case .start, .ringing, .end, .menu: .incoming
        case .answer: .answer
        case .outStart, .outEnd: .outgoing
        case .record: .record
        case .sms, .transcript, .numberLookup, .callTracking: .result
        case .other: nil
        }
    }
}

/// Which fields make the signed text, one behind the other without anything between.
/// - Source: zadarma.com/support/api, "Notifications"; for transcripts inferred.
enum ZadarmaSignature: CaseIterable {
    case incoming, answer, outgoing, record, result

    var fields: [StaticString] {
        switch self {
        case .incoming: Self.fieldsOfIncoming
        case .answer: Self.fieldsOfAnswer
        case .outgoing: Self.fieldsOfOutgoing
        case .record: Self.fieldsOfRecord
        case .result: Self.fieldsOfResult
        }
    }

    private static let fieldsOfIncoming: [StaticString] = ["caller_id", "called_did", "call_start"]
    private static let fieldsOfAnswer: [StaticString] = ["caller_id", "destination", "call_start"]
    private static let fieldsOfOutgoing: [StaticString] = ["internal", "destination", "call_start"]
    private static let fieldsOfRecord: [StaticString] = ["pbx_call_id", "call_id_with_rec"]
    private static let fieldsOfResult: [StaticString] = ["result"]
}
