import Connector

/// What a post of the dialplan is about: its `stage`.
enum DialplanStage: String {
    /// A call begins, or telephones ring for it.
    case ringing
    case answered
    /// An employee passed the call on.
    case transferred
    /// The caller's channel is gone.
    case ended

    init?(word: String) { self.init(rawValue: word.lowercased()) }
}

/// How Dial or Queue came out: `DIALSTATUS`, else `QUEUESTATUS`, beside the cause of the caller's hangup.
struct DialplanOutcome {
    /// In capitals; `nil` where neither was run.
    let status: String?
    let cause: Int?

    init(status: String?, cause: Int?) {
        self.status = status?.uppercased()
        self.cause = cause.flatMap { (0...127).contains($0) ? $0 : nil }
    }

    /// Whether anybody talked; `nil` where that cannot be told.
    /// - Parameter talk: since the channel was answered, by whomever: a menu or a queue answers too.
    func isAnswered(talk: Duration?) -> Bool? {
        if status == "ANSWER" { return true }
        return talk == .zero || (status != nil && talk == nil) ? false : nil
    }

    /// Who hung up after a talk the dialplan does not know.
    var reason: EndReason {
        guard let status else { return byCause ?? .unknown }
        let word = Self.reasons[status] ?? .unknown
        // 404 and 603 of the far side are NOANSWER too: the cause is surer.
        return word == .noAnswer || word == .unknown ? byCause ?? word : word
    }

    private var byCause: EndReason? { cause == HangupCause.canceled ? .callerHungUp : HangupCause.reason(cause) }

    private static let reasons: [String: EndReason] = [
        "ANSWER": .normal, "NOANSWER": .noAnswer, "BUSY": .busy, "CANCEL": .callerHungUp, "CONGESTION": .failed,
        "CHANUNAVAIL": .unreachable, "DONTCALL": .rejected, "TORTURE": .rejected, "INVALIDARGS": .failed,
        "TIMEOUT": .queueTimeout, "FULL": .noAgentAvailable, "JOINEMPTY": .noAgentAvailable, "LEAVEEMPTY": .noAgentAvailable,
        "JOINUNAVAIL": .noAgentAvailable, "LEAVEUNAVAIL": .noAgentAvailable,
    ]
}

/// Numbers as the dialplan writes them.
enum DialplanNumber {
    /// `12`, `12.345678`: seconds.
    static func milliseconds(_ text: String?) -> Int64? {
        let parts = (text ?? "").split(separator: ".", maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first, (1...12).contains(whole.utf8.count), isDigits(whole), let seconds = Int64(whole) else {
            return nil
        }
        guard parts.count == 2 else { return seconds * 1000 }
        guard (1...9).contains(parts[1].utf8.count), isDigits(parts[1]) else { return nil }
        return seconds * 1000 + (Int64((parts[1] + "00").prefix(3)) ?? 0)
    }

    /// A moment of this century.
    static func moment(_ text: String?) -> Instant? {
        guard let value = milliseconds(text), (946_684_800_000..<4_102_444_800_000).contains(value) else { return nil }
        return Instant(milliseconds: value)
    }

    /// A month at most.
    static func duration(_ text: String?) -> Duration? {
        guard let value = milliseconds(text), value <= 2_678_400_000 else { return nil }
        return .milliseconds(value)
    }

    private static func isDigits(_ text: Substring) -> Bool { text.utf8.allSatisfy { (0x30...0x39).contains($0) } }
}
