import Digests
import SIP

/// How MegaFon's border answers REGISTER, with its quirks (providers/multifon.md): the realm `BREDBAND`, less time than was asked for,
/// no repeated `nc`, and now and then a 500 for no reason.
///
/// Sans-IO: whoever has the socket brings the requests and sends the answers.
package final class MultifonRegistrar {
    /// What is to be said to a request.
    package struct Answer {
        package let status: UInt16
        package let lines: SIPFieldLines
    }

    /// Where a number's calls are sent.
    package struct Binding {
        package let contact: SIPURI
        package let flow: SIPFlow
    }

    package static let realm = "BREDBAND"

    /// Passwords by numbers, as `79XXXXXXXXX`.
    private let passwords: [String: String]
    private let chance: () -> UInt64
    /// What is granted, whatever is asked for.
    package var granted: UInt32 = 100
    /// How many of the next requests get a 500 though all is well with them.
    package var whims = 0
    package private(set) var bindings: [String: Binding] = [:]
    /// Statuses in the order in which they were said.
    package private(set) var said: [UInt16] = []
    /// The nonce in force of each number, and the greatest `nc` that came with it.
    private var nonces: [String: (nonce: String, count: UInt32)] = [:]

    package init(passwords: [String: String], chance: @escaping () -> UInt64 = { .random(in: .min ... .max) }) {
        self.passwords = passwords
        self.chance = chance
    }

    package func answer(_ request: SIPMessage, over flow: SIPFlow) -> Answer {
        let (status, lines) = judge(request, flow)
        said.append(status)
        return Answer(status: status, lines: lines)
    }

    private func judge(_ request: SIPMessage, _ flow: SIPFlow) -> (UInt16, SIPFieldLines) {
        guard let user = (try? request.to().uri.user).map({ String(decoding: $0, as: UTF8.self) }),
            let password = passwords[user]
        else { return (404, SIPFieldLines()) }
        guard let credentials = (try? request.credentials(.authorization))?.first(where: \.isDigest)?.parameters else {
            return challenge(user)
        }
        func text(_ name: StaticString) -> String { String(decoding: credentials[name] ?? [], as: UTF8.self) }
        guard let known = nonces[user], text("nonce") == known.nonce else { return challenge(user) }
        guard let count = UInt32(text("nc"), radix: 16), count > known.count else { return (403, SIPFieldLines()) }
        nonces[user]?.count = count
        let first = Self.hash("\(user):\(Self.realm):\(password)")
        let second = Self.hash("REGISTER:\(text("uri"))")
        let wanted = Self.hash("\(first):\(known.nonce):\(text("nc")):\(text("cnonce")):auth:\(second)")
        guard text("realm") == Self.realm, text("response") == wanted else { return (403, SIPFieldLines()) }
        if whims > 0 {
            whims -= 1
            return (500, SIPFieldLines())
        }
        return bind(user, request, flow)
    }

    private func challenge(_ user: String) -> (UInt16, SIPFieldLines) {
        let nonce = String(chance(), radix: 16)
        nonces[user] = (nonce, 0)
        var lines = SIPFieldLines()
        let value = "Digest realm=\"\(Self.realm)\", nonce=\"\(nonce)\", algorithm=MD5, qop=\"auth\""
        lines.add(.wwwAuthenticate, parsed: Array(value.utf8)[...])
        return (401, lines)
    }

    private func bind(_ user: String, _ request: SIPMessage, _ flow: SIPFlow) -> (UInt16, SIPFieldLines) {
        guard let contact = (try? request.addresses(.contact))?.first?.uri else { return (400, SIPFieldLines()) }
        var lines = SIPFieldLines()
        if request.number(.expires) == 0 {
            bindings[user] = nil
        } else {
            bindings[user] = Binding(contact: contact, flow: flow)
            let value = [0x3C] + contact.written + Array(">;expires=\(granted)".utf8)
            lines.add(.contact, parsed: value[...])
        }
        return (200, lines)
    }

    private static func hash(_ text: String) -> String {
        var digest = Digest(.md5)
        digest.update(Array(text.utf8))
        return digest.finish().hex
    }
}
