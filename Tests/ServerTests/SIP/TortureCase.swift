import Foundation
import SIP
import TestSupport
import Testing

/// One message of the torture set, and what is right to make of it.
struct TortureCase: Decodable, Sendable, CustomTestStringConvertible {
    enum Verdict: String, Decodable { case accept, reject, either }

    struct TopVia: Decodable {
        let transport: String
        let sentBy: String
        let rport: Bool
    }

    /// The statuses that are right for a refusal.
    struct Right: Decodable {
        var statuses: [Int] = []
        var isSilenceRight = false

        private enum Key: CodingKey { case answer, codes, orNone }

        init(from decoder: any Decoder) throws {
            let box = try decoder.container(keyedBy: Key.self)
            statuses = try box.decodeIfPresent([Int].self, forKey: .codes) ?? []
            isSilenceRight = try box.decodeIfPresent(Bool.self, forKey: .orNone) ?? false
            if let list = try? box.decode([Int].self, forKey: .answer) { statuses += list }
            if (try? box.decode(String.self, forKey: .answer)) == "none" { isSilenceRight = true }
        }
    }

    let name: String
    let file: String
    let kind: String
    let method: String?
    let parser: Verdict
    let udp: Right
    let topVia: TopVia?

    var testDescription: String { name }

    var bytes: [UInt8] { Array(FileManager.default.contents(atPath: "\(FixtureFolders.tortureSet)/\(file)") ?? Data()) }

    static let all: [TortureCase] = {
        struct List: Decodable { let cases: [TortureCase] }
        let data = FileManager.default.contents(atPath: "\(FixtureFolders.tortureSet)/expected.json") ?? Data()
        return (try? JSONDecoder().decode(List.self, from: data).cases) ?? []
    }()

    /// The message of a case, which must be one that is accepted.
    static func message(_ name: String) throws -> SIPMessage {
        guard let found = all.first(where: { $0.name == name }) else { throw CocoaError(.fileNoSuchFile) }
        return try read(found.bytes)
    }

    static func read(_ bytes: [UInt8]) throws -> SIPMessage {
        var parser = SIPParser()
        guard let message = try parser.parse(datagram: bytes.span).message else { throw CocoaError(.coderValueNotFound) }
        return message
    }
}

/// What a framer makes of a stream: `message Call-ID`, `refused code status`, `ping`, and `closed` or `waiting` at the end.
struct StreamReading {
    private(set) var words: [String] = []
    private(set) var bytesExamined = 0

    /// - Parameter step: how many bytes arrive at once.
    init(_ bytes: [UInt8], step: Int, limits: SIPLimits = .standard) {
        var parser = SIPParser(limits: limits)
        var framer = SIPStreamFramer()
        var start = 0
        for end in Array(stride(from: step, to: max(step, bytes.count), by: step)) + [bytes.count] {
            var isWaiting = false
            while start < end, !isWaiting {
                switch framer.next(bytes.span.extracting(start..<end), with: &parser) {
                case .incomplete: isWaiting = true
                case .ping(let count):
                    words.append("ping")
                    start += count
                case .emptyLine(let count): start += count
                case .message(let message, let count):
                    words.append("message \(message.callID.text)")
                    start += count
                case .refused(let refusal, let count):
                    words.append("refused \(refusal.error.code.rawValue) \(refusal.answer.status ?? 0)")
                    guard let count else {
                        words.append("closed")
                        bytesExamined = framer.bytesExamined
                        return
                    }
                    start += count
                }
            }
        }
        bytesExamined = framer.bytesExamined
        if start < bytes.count { words.append("waiting") }
    }
}
