import AdapterKit
import Connector

/// One event: the envelope, and what it carries.
struct BeelineMessage {
    let raw: RawStamp
    let event: BeelineEvent
    /// Unique for each event; a repeat has the same.
    let eventID: String?
    /// The employee's identifier as Beeline writes it: `9000000021@ip.beeline.ru`.
    let userID: String?
    private let root: XMLTree.Element
    private let data: XMLTree.Element
    private let subscription: String?
    /// Where the event came in, which says for whom the subscription is.
    private let entrance: BeelineEntrance

    init(_ root: XMLTree.Element, _ raw: RawStamp, path: String) {
        self.root = root
        self.raw = raw
        entrance = BeelineEntrance(path: path)
        data = root["eventData"]
        // An end of a subscription may stand in the envelope itself.
        event = BeelineEvent(type: data.attribute("type") ?? root.attribute("type") ?? "")
        eventID = root["eventID"].text
        subscription = root["subscriptionId"].text
        userID = BeelineNames.person(root["targetId"].text) ?? BeelineNames.person(root["userId"].text)
    }

    /// The employee's name in `employees`: of him for whom the subscription is; else by target or user; of one whom neither names, the
    /// device's or the subscription's.
    func employee(at address: String?) -> String? {
        if case .employee(let name) = entrance { return name }
        return (userID ?? BeelineNames.person(address)).flatMap(BeelineNames.employee) ?? subscription
    }

    /// Events of a subscription that the gateway did not begin are read like all others; its keeper hears of it, unless they are signals
    /// themselves.
    func decoded() -> [Decoded] {
        guard entrance == .bare, let subscription, event != .subscriptionTerminated, event != .snapshot else { return read() }
        return read() + [.signal(name: BeelineSignal.foreign, fields: [CustomField(BeelineSignal.subscription, subscription)])]
    }

    private func read() -> [Decoded] {
        switch event {
        case .hookStatus: return [.ignored(reason: "the hook of a telephone")]
        case .other: return [.ignored(reason: "a kind of event this adapter does not know")]
        case .subscriptionTerminated: return [signal(BeelineSignal.terminated)]
        case .snapshot: return [signal(BeelineSignal.started)] + calls().flatMap { $0.decoded() }
        default: break
        }
        let calls = calls()
        guard !calls.isEmpty else { return [.undecoded(reason: "`call` is missing")] }
        return calls.flatMap { $0.decoded() }
    }

    /// The event's call; a list of them where several are redirected at once, or are up when a subscription begins.
    private func calls() -> [BeelineCall] {
        let elements = data.children + data["calls"].children
        return elements.filter { $0.isNamed("call") }.prefix(Self.callLimit).enumerated().map { number, element in
            BeelineCall(element, of: self, number: number)
        }
    }

    /// More calls than one telephone has.
    private static let callLimit = 64

    // MARK: Subscriptions

    /// News of the subscription. The address that stands in the envelope holds our secret, and stays out.
    private func signal(_ name: String) -> Decoded {
        var fields: [CustomField] = []
        for field in ["subscriptionId", "targetId", "userId", "externalApplicationId"] as [StaticString] {
            fields.keep(field.description, root[field].text)
        }
        return .signal(name: name, fields: fields)
    }

    // MARK: The rest

    /// What the envelope says beside its call.
    func leftovers() -> [CustomField] {
        var fields: [CustomField] = []
        fields.keepElements(of: root, except: Self.known)
        fields.keepElements(of: data, except: Self.knownOfData, prefix: "eventData.")
        return fields
    }

    /// What addresses the event to us says nothing of the call; `httpContact` is our own address with its token.
    private static let known: NameSet = [
        "eventID", "sequenceNumber", "userId", "targetId", "subscriptionId", "channelId", "externalApplicationId", "httpContact",
        "eventData",
    ]
    private static let knownOfData: NameSet = ["call", "calls", "hookStatus"]
}
