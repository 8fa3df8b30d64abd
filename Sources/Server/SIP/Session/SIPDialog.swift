/// One dialog as one of its ends sees it (RFC 3261 §12): who talks with whom, where requests go, and how far they are counted.
struct SIPDialog {
    let callID: [UInt8]
    let localTag: [UInt8]
    /// Empty until the peer has answered.
    private(set) var remoteTag: [UInt8]
    /// What From of our requests says, our tag included.
    private let localParty: [UInt8]
    /// What To of our requests says; without a tag until the peer has answered.
    private var remoteParty: [UInt8]
    /// The peer's Contact: the Request-URI of our requests.
    private(set) var remoteTarget: SIPURI
    private var routes: [SIPNameAddress]
    var localCSeq: UInt32
    /// Of the peer's last request; nil before the first.
    private(set) var remoteCSeq: UInt32?

    /// Of a call of ours: half a dialog, which an answer completes.
    init(callID: [UInt8], localTag: [UInt8], from: [UInt8], to: SIPURI, target: SIPURI) {
        self.callID = callID
        self.localTag = localTag
        remoteTag = []
        localParty = from
        remoteParty = SIPFieldLines.party(displayName: [UInt8]?.none, to)
        remoteTarget = target
        routes = []
        localCSeq = 0
    }

    /// Of a call to us (§12.1.1).
    /// - Throws: where Contact or Record-Route cannot be read.
    init(invitedBy request: SIPMessage, localTag: [UInt8]) throws(SIPParseError) {
        callID = Array(request.callID)
        self.localTag = localTag
        remoteTag = Array(request.fromTag ?? [])
        localParty = QuotedText.unfolded(request.value(.to) ?? []) + Array(";tag=".utf8) + localTag
        remoteParty = QuotedText.unfolded(request.value(.from) ?? [])
        // RFC 2543 had a call without Contact go on at the address in From.
        remoteTarget = try (request.has(.contact) ? request.address(.contact) : request.from()).uri.detached()
        routes = try request.addresses(.recordRoute, limit: 20)
        localCSeq = 0
        remoteCSeq = request.cseq
    }

    /// The dialog that an answer to our INVITE makes of this half (§12.1.2).
    /// - Throws: where its Contact or Record-Route cannot be read.
    func answered(by response: SIPMessage) throws(SIPParseError) -> SIPDialog {
        var dialog = self
        dialog.remoteTag = Array(response.toTag ?? [])
        dialog.remoteParty = QuotedText.unfolded(response.value(.to) ?? [])
        if response.has(.contact) { dialog.remoteTarget = try response.address(.contact).uri.detached() }
        dialog.routes = try response.addresses(.recordRoute, limit: 20).reversed()
        return dialog
    }

    /// Whether a message is of this dialog, as the peer's request or its answer to ours.
    func holds(_ message: SIPMessage) -> Bool {
        let local = message.isRequest ? message.toTag : message.fromTag
        let remote = message.isRequest ? message.fromTag : message.toTag
        return message.callID.elementsEqual(callID) && (local ?? []).elementsEqual(localTag)
            && (remote ?? []).elementsEqual(remoteTag)
    }

    /// Counts a request of the peer.
    /// - Returns: false for one that comes behind a later one (§12.2.2); it gets 500.
    mutating func takes(_ request: SIPMessage) -> Bool {
        if let last = remoteCSeq, request.cseq <= last { return false }
        remoteCSeq = request.cseq
        return true
    }

    /// Target refresh by an INVITE or UPDATE or the answer to one (§12.2). A Contact that cannot be read changes nothing.
    mutating func refreshTarget(from message: SIPMessage) {
        guard message.has(.contact), let contact = try? message.address(.contact) else { return }
        remoteTarget = contact.uri.detached()
    }

    /// A request in this dialog (§12.2.1.1).
    /// - Parameter number: of CSeq; nil counts one further.
    mutating func draft(_ method: SIPMethod, number: UInt32? = nil, contact: [UInt8], _ lines: SIPFieldLines) -> SIPRequestDraft {
        if number == nil { localCSeq &+= 1 }
        var fields = SIPFieldLines()
        let target = addRoutes(to: &fields)
        fields.add(.from, parsed: localParty[...])
        fields.add(.to, parsed: remoteParty[...])
        fields.add(.callID, parsed: callID[...])
        fields.add(.cseq, parsed: Array("\(number ?? localCSeq) \(method.rawValue)".utf8)[...])
        fields.add(.maxForwards, fixed: "70")
        fields.add(.contact, parsed: contact[...])
        fields.add(lines)
        return SIPRequestDraft(method: method.rawValue, uri: target, fields: fields.bytes)
    }

    /// - Returns: the Request-URI: the peer's, or that of a first proxy which routes as RFC 2543 did.
    private func addRoutes(to fields: inout SIPFieldLines) -> SIPURI {
        guard let first = routes.first else { return remoteTarget }
        let isStrict = !first.uri.hasParameter("lr")
        for route in isStrict ? routes.dropFirst() : routes[...] {
            fields.add(.route, parsed: SIPFieldLines.party(displayName: [UInt8]?.none, route.uri)[...])
        }
        guard isStrict else { return remoteTarget }
        fields.add(.route, parsed: SIPFieldLines.party(displayName: [UInt8]?.none, remoteTarget)[...])
        return first.uri
    }
}
