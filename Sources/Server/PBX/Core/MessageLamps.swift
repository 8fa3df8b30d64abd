import NetworkTypes
import PBXPlan
import SIP

/// Lets telephones show that there are messages (RFC 3842), by a NOTIFY that nobody subscribed to: what most of them take.
///
/// Told after a message came, after one was heard, and when a telephone comes; the same is not told twice to the same telephones.
final class MessageLamps {
    private struct Told: Equatable {
        var new: Int
        var old: Int
        var contacts: [String]
    }

    private unowned let core: PBXCore
    private var told: [String: Told] = [:]
    private var cseq: UInt32 = 0

    init(_ core: PBXCore) { self.core = core }

    /// The messages of a box are others.
    func changed(_ box: String) { for owner in core.plan.voicemail[box]?.owners ?? [] { tell(owner) } }

    /// Tells an extension's telephones, where it owns a box.
    func tell(_ short: String) {
        let boxes = core.plan.boxes(of: short)
        guard !boxes.isEmpty else { return }
        let contacts = core.phones.contacts(of: short, at: core.now)
        let messages = core.messages.messages(of: boxes)
        let heard = messages.count(where: \.isHeard)
        let news = Told(new: messages.count - heard, old: heard, contacts: contacts.map(\.name).sorted())
        guard told[short] != news else { return }
        told[short] = contacts.isEmpty ? nil : news
        for contact in contacts { notify(contact, short, news) }
    }

    private func notify(_ contact: PhoneDesk.Contact, _ short: String, _ news: Told) {
        guard let own = core.phones.address(of: short, over: contact.flow) else { return }
        cseq &+= 1
        let chance = String(core.chance(), radix: 36)
        var lines = SIPFieldLines()
        lines.add(.from, parsed: (Array("<".utf8) + own.written + Array(">;tag=\(chance)".utf8))[...])
        lines.add(.to, address: own)
        lines.add(.callID, parsed: Array("mwi-\(chance)-\(String(core.chance(), radix: 36))".utf8)[...])
        lines.add(.cseq, parsed: Array("\(cseq) NOTIFY".utf8)[...])
        lines.add(.maxForwards, fixed: "70")
        lines.add(.contact, address: own)
        lines.add(.event, fixed: "message-summary")
        lines.add(.subscriptionState, fixed: "active")
        let draft = SIPRequestDraft(
            method: "NOTIFY", uri: contact.uri, fields: lines.bytes, contentType: "application/simple-message-summary",
            body: Self.body(news.new, news.old, account: own))
        // Nobody waits for the answer; who does not understand it says so, and that is that.
        try? core.agent.send(draft, over: contact.flow, owner: 0, now: core.now)
    }

    /// RFC 3842 §5.2; the numbers in brackets are of urgent ones, which there are none of.
    static func body(_ new: Int, _ old: Int, account: SIPURI) -> [UInt8] {
        Array("Messages-Waiting: \(new > 0 ? "yes" : "no")\r\nMessage-Account: ".utf8) + account.written
            + Array("\r\nVoice-Message: \(new)/\(old) (0/0)\r\n".utf8)
    }
}

extension DialPlan {
    /// The voicemail boxes that an extension may hear.
    func boxes(of short: String) -> [String] { voicemail.values.filter { $0.owners.contains(short) }.map(\.name).sorted() }
}
