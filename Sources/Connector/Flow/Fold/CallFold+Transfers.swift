// How the caller was passed from one participant to another.

extension CallFold {
    /// A leg that came out of a transfer, and the leg it came from where that is known.
    typealias TransferLeg = (from: Int?, to: Int)

    func collectTransfers() {
        for leg in legs.indices
        where legs[leg].hasHandover(.blind) || legs[leg].hasHandover(.consultative) || legs[leg].hasChangedHands {
            transferLegs.append((origin(of: leg), leg))
        }
        for (from, to) in unmarkedHandovers { transferLegs.append((from, to)) }
    }

    func listTransfers() {
        call.transfers = transferLegs.map(transfer)
        for leg in legs where leg.hasHandover(.returned) { markReturned(by: leg) }
    }

    func transferor(of transfer: TransferLeg) -> Party? {
        transfer.from.flatMap { legs[$0].to } ?? legs[transfer.to].firstFrom.flatMap { $0.isUser ? $0 : nil }
    }

    /// The target speaks with the outside party.
    func isCompleted(_ transfer: TransferLeg) -> Bool { completion(transfer) != nil }

    private func completion(_ transfer: TransferLeg) -> Instant? {
        spans[transfer.to].first { span in
            switch span.kind {
            case .talk(_, let external): external || call.direction == .internal
            case .other: legs[transfer.to].to?.isExternal == true
            case .hold, .system: false
            }
        }?.from
    }

    /// The leg the vendor names, else the last employee's leg that was answered before.
    private func origin(of leg: Int) -> Int? {
        if let parent = legs[leg].parent, let index = legs.firstIndex(where: { $0.key == parent }) { return index }
        return legs.indices.last {
            $0 != leg && legs[$0].isAnswered && legs[$0].to?.isUser == true && legs[$0].startedAt < legs[leg].startedAt
                && legs[$0].to?.extension != legs[leg].to?.extension
        }
    }

    private func transfer(_ pair: TransferLeg) -> Transfer {
        let target = legs[pair.to]
        var transfer = Transfer(
            id: TransferID(of: call.id, kind: "transfer", name: target.key),
            kind: target.hasHandover(.consultative) || target.hasChangedHands ? .attended : .blind,
            status: status(pair))
        transfer.transferorID = participantID(of: transferor(of: pair))
        transfer.transfereeID = call.externalParty.flatMap { participantID(of: .external(number: $0.number.raw)) }
        transfer.target = participantID(of: target.to).map { .participant($0) }
        transfer.fromLegID = pair.from.map { legID(legs[$0].key) }
        transfer.toLegID = legID(target.key)
        transfer.startedAt = target.startedAt
        transfer.completedAt = completion(pair)
        return transfer
    }

    private func status(_ pair: TransferLeg) -> Transfer.Status {
        let target = legs[pair.to]
        if isCompleted(pair) { return .completed }
        if target.isEnded || isEnded { return target.reason == .callerHungUp ? .canceled : .failed }
        if target.isAnswered { return .answered }
        return target.ringingAt == nil ? .started : .ringing
    }

    /// A leg back to the initiator: his last transfer did not find its target.
    private func markReturned(by leg: LegTimeline) {
        let initiator = participantID(of: leg.to)
        if let index = call.transfers.lastIndex(where: { $0.transferorID == initiator && $0.status != .completed }) {
            call.transfers[index].status = .returned
            return
        }
        var transfer = Transfer(id: TransferID(of: call.id, kind: "transfer", name: leg.key), kind: .blind, status: .returned)
        transfer.transferorID = initiator
        transfer.fromLegID = leg.parent.map(legID)
        transfer.startedAt = leg.startedAt
        call.transfers.append(transfer)
    }
}
