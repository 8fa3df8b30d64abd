import Connector

/// Mango's result and disconnect codes.
/// - Source: "API Mango Office" 1.9 of 02.06.2026, appendix of codes. What a code means for the call is our reading.
enum MangoCodes {
    /// Why a leg or a call ended. A code that is not listed is read as its class: 2219 as 2210, 1090 as 1000.
    static func reason(_ code: Int?) -> EndReason {
        guard let code, code > 0 else { return .unknown }
        for step in [1, 10, 100, 1000] {
            if let reason = reasons[code / step * step] { return reason }
        }
        return .unknown
    }

    /// The same of a column of the statistics, where an old sample has words instead of codes.
    static func reason(word: String?) -> EndReason {
        guard let word else { return .unknown }
        if word == "Busy" { return .busy }
        return reason(DecimalInteger.parse(word.utf8))
    }

    /// Whether a command was carried out.
    static func isSuccess(_ code: Int?) -> Bool { code.map { (1000..<2000).contains($0) } ?? false }

    /// `completion_code` of a recording that was too short to keep.
    static let recordingTooShort = 4002

    private static let reasons: [Int: EndReason] = [
        1000: .normal, 1100: .normal,
        1110: .callerHungUp, 1111: .noAnswer,
        1120: .calleeHungUp, 1121: .busy, 1122: .rejected, 1123: .rejected, 1124: .rejected, 1125: .byCommand,
        1130: .unreachable, 1133: .invalidNumber,
        1140: .blocked, 1150: .blocked,
        1160: .noAgentAvailable, 1163: .queueTimeout,
        1170: .normal, 1171: .failed,
        1180: .byCommand, 1182: .answeredElsewhere, 1183: .transferred,
        // 1193: refused by itself because the employee talks.
        1190: .outOfHours, 1193: .busy,
        1300: .voicemail,
        2000: .failed, 2300: .blocked,
        3000: .failed, 3200: .invalidNumber, 3330: .invalidNumber,
        4000: .failed, 4200: .unreachable, 4500: .blocked,
        5000: .failed,
    ]
}
