// Compiled into one module with the files of SIP by scripts/fuzz.sh; no target of the package.

import NetworkTypes

/// Any bytes as the value of a challenge, and as that of credentials.
///
/// Holds that neither side traps; that whatever challenge is answered, the answer is one line and is understood, and that nobody is
/// accepted without having the password.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzDigest(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    if let challenge = message("SIP/2.0 401 Unauthorized", "WWW-Authenticate: ", bytes) { holdAnswer(to: challenge) }
    if let request = message("REGISTER sip:pbx.test SIP/2.0", "Authorization: ", bytes) { holdVerdict(on: request) }
    return 0
}

private let now = MonotonicInstant(nanoseconds: 1_000_000_000)

private func message(_ start: String, _ name: String, _ value: [UInt8]) -> SIPMessage? {
    let rest =
        "\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=f\r\nTo: <sip:a@b>\r\nCall-ID: c\r\nCSeq: 1 REGISTER\r\n"
        + "Max-Forwards: 70\r\nContent-Length: 0\r\n\r\n"
    let bytes = Array("\(start)\r\n\(name)".utf8) + value + Array(rest.utf8)
    var parser = SIPParser()
    return try? parser.parse(datagram: bytes.span).message
}

private func holdAnswer(to challenge: SIPMessage) {
    var chance: UInt64 = 0
    let client = SIPDigestClient(user: "101", password: "secret") {
        chance += 1
        return chance
    }
    guard let uri = try? SIPURI(Array("sip:pbx.test".utf8)), let lines = client.answer(challenge, method: .register, uri: uri)
    else { return }
    let line = lines.bytes.dropLast(2)
    precondition(!line.contains(.carriageReturn) && !line.contains(.lineFeed), "an answer is one line")
    guard let request = message("REGISTER sip:pbx.test SIP/2.0", "", Array(line)) else {
        precondition(
            line.count > 4 << 10 || challenge.bytes.contains { $0 < .space || $0 >= 0x7F }, "an answer of ours is understood")
        return
    }
    holdVerdict(on: request)
}

/// The server is new each time: what an input does hangs on no other.
private func holdVerdict(on request: SIPMessage) {
    let server = SIPDigestServer(realm: "r", key: [1, 2, 3])
    for password in [nil, "another"] as [String?] {
        if case .accepted = server.judge(request, at: now, password: { _ in password }) {
            preconditionFailure("nobody is let in unproven")
        }
    }
}
