import Connector
import SIP

/// The header Reason (RFC 3326), both ways.
enum SIPReason {
    /// `Q.850;cause=16;text="…"`: the cause, where there is one.
    static func q850(in message: SIPMessage) -> Int? {
        guard let value = message.value(.reason) else { return nil }
        let text = String(decoding: value.prefix(128), as: UTF8.self).lowercased()
        guard text.hasPrefix("q.850"), let cause = text.firstRange(of: "cause=") else { return nil }
        let digits = text[cause.upperBound...].prefix { $0.isASCII && $0.isNumber }
        return Int(digits).flatMap { (1...127).contains($0) ? $0 : nil }
    }

    static func lines(_ cause: Cause) -> SIPFieldLines {
        var lines = SIPFieldLines()
        guard let q850 = cause.q850, (1...127).contains(q850) else { return lines }
        // Digits of ours hold nothing that ends a line.
        try? lines.add(.reason, "Q.850;cause=\(q850)")
        return lines
    }
}

/// Keys in INFO: `application/dtmf-relay` (`Signal=5`) and `application/dtmf` (`5`).
enum DTMFInfo {
    static func key(in message: SIPMessage) -> Character? {
        guard let type = message.contentType, message.body.count <= 128 else { return nil }
        let text = String(decoding: message.body, as: UTF8.self)
        if type.elementsEqual("application/dtmf-relay".utf8) {
            let signal = text.split(whereSeparator: \.isNewline).lazy.map { $0.split(separator: "=", maxSplits: 1) }
                .first { $0.count == 2 && $0[0].trimmed.lowercased() == "signal" }
            return signal.flatMap { key(String($0[1].trimmed)) }
        }
        return type.elementsEqual("application/dtmf".utf8) ? key(String(text[...].trimmed)) : nil
    }

    /// Some telephones write 10 and 11 for the star and the hash (the codes of RFC 4733).
    private static func key(_ text: String) -> Character? {
        switch text {
        case "10": "*"
        case "11": "#"
        default: text.count == 1 ? text.uppercased().first.flatMap { "0123456789*#ABCD".contains($0) ? $0 : nil } : nil
        }
    }
}

extension Substring {
    fileprivate var trimmed: Substring {
        let start = drop { $0.isWhitespace }
        let end = start.lastIndex { !$0.isWhitespace }
        return end.map { start[...$0] } ?? ""
    }
}
