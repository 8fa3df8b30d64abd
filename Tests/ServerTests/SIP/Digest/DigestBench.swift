import Foundation
import NetworkTypes
import TestSupport

@testable import SIP

/// What the tests of digests and registrations are made of.
enum DigestBench {
    static let start = MonotonicInstant(nanoseconds: 1_000_000_000_000)

    /// The made-up account of MultiFon's worked example; its nonces are 1, 2, 3 …
    static func client(password: String = "made-up-pass-1") -> SIPDigestClient {
        SIPDigestClient(user: "79000000030", password: password, chance: counter())
    }

    static func counter() -> () -> UInt64 {
        var count: UInt64 = 0
        return {
            count += 1
            return count
        }
    }

    static func response(_ status: Int, _ lines: [String] = []) throws -> SIPMessage {
        try message(["SIP/2.0 \(status) Whatever"] + lines, cseq: 1)
    }

    static func request(
        _ lines: [String], method: String = "REGISTER", uri: String = "sip:pbx.test", cseq: Int = 1, callID: String = "c"
    ) throws -> SIPMessage {
        try message(["\(method) \(uri) SIP/2.0", "Max-Forwards: 70"] + lines, cseq: cseq, method: method, callID: callID)
    }

    private static func message(_ lines: [String], cseq: Int, method: String = "REGISTER", callID: String = "c") throws
        -> SIPMessage
    {
        let rest = [
            "Via: SIP/2.0/UDP 192.0.2.7:5060;branch=z9hG4bKx", "From: <sip:101@pbx.test>;tag=f", "To: <sip:101@pbx.test>",
            "Call-ID: \(callID)", "CSeq: \(cseq) \(method)", "Content-Length: 0",
        ]
        return try TortureCase.read(Array((lines + rest).joined(separator: "\r\n").utf8) + Array("\r\n\r\n".utf8))
    }
}

/// Messages between a gateway and MultiFon, made up by the provider's rules.
enum MultifonFixture {
    static func message(_ name: String) throws -> SIPMessage { try TortureCase.read(bytes(name)) }

    /// A header line as it stands in the file.
    static func line(_ header: String, of name: String) throws -> String {
        let lines = try bytes(name).text.split(whereSeparator: \.isNewline)
        return lines.first { $0.hasPrefix("\(header):") }.map { String($0) } ?? ""
    }

    private static func bytes(_ name: String) throws -> [UInt8] {
        guard let data = FileManager.default.contents(atPath: "\(FixtureFolders.cases(of: "multifon-sip"))/\(name).txt") else {
            throw CocoaError(.fileNoSuchFile)
        }
        return Array(data)
    }
}
