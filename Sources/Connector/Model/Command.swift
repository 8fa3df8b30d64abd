/// Something that a CRM asks of a provider: a call to be made, or something to be done with one.
///
/// A command is carried out at most once. It is in the journal before anything leaves the machine, and who asks again with the same
/// idempotency key gets the same command.
package struct Command: Hashable, Sendable {
    package var id: CommandID
    package var tenant: TenantID
    package var connection: ConnectionID
    package var action: Action
    /// The call it acts on; `nil` where it makes one.
    package var call: CallID?
    /// The call that it made, once an event of it has come.
    package var resultCall: CallID?
    package var status: Status = .accepted
    package var idempotencyKey: String
    /// The API key that asked, by its name.
    package var requestedBy: String
    package var createdAt: Instant
    package var updatedAt: Instant
    /// Until when it may be sent, and an answer is waited for.
    package var deadlineAt: Instant
    /// What the provider answered.
    package var answer: ProviderAnswer?
    package var failure: ProviderFailure?

    package init(
        id: CommandID, tenant: TenantID, connection: ConnectionID, action: Action, call: CallID? = nil, idempotencyKey: String,
        requestedBy: String, createdAt: Instant, deadlineAt: Instant
    ) {
        self.id = id
        self.tenant = tenant
        self.connection = connection
        self.action = action
        self.call = call
        self.idempotencyKey = idempotencyKey
        self.requestedBy = requestedBy
        self.createdAt = createdAt
        updatedAt = createdAt
        self.deadlineAt = deadlineAt
    }

    /// Where a command stands; raw values are those of the API.
    package enum Status: String, Sendable, CaseIterable {
        /// In the journal; nothing has left yet.
        case accepted
        /// About to leave, or left; the provider's answer is not in the journal.
        case sent
        /// The provider said yes.
        case confirmed
        case failed
        /// It could not be sent before its deadline.
        case expired
        case unsupported
        /// It may have been carried out, and nobody answered. It is never sent again; what follows may tell.
        case unknown

        /// Nothing more is done for it.
        package var isFinal: Bool { self != .accepted && self != .sent }
    }

    /// What is to be done.
    package enum Action: Hashable, Sendable {
        case originate(Origination)
        case transfer(to: String, kind: TransferKind)
        case hangup
        case hold
        case resume
        case record(start: Bool)
        case dtmf(String)

        /// The name of its type in the API.
        package var type: String {
            switch self {
            case .originate: "originate"
            case .transfer: "transfer"
            case .hangup: "hangup"
            case .hold: "hold"
            case .resume: "resume"
            case .record(start: true): "record_start"
            case .record(start: false): "record_stop"
            case .dtmf: "send_dtmf"
            }
        }

        /// What an adapter must be able to do for it.
        package var capability: Capability {
            switch self {
            case .originate: .originate
            case .transfer(_, .blind): .blindTransfer
            case .transfer(_, .attended): .attendedTransfer
            case .hangup: .hangup
            case .hold: .hold
            case .resume: .resume
            case .record(start: true): .recordStart
            case .record(start: false): .recordStop
            case .dtmf: .dtmf
            }
        }
    }

    package enum TransferKind: String, Sendable, CaseIterable { case blind, attended }

    /// A call between an employee, who is rung first, and somebody else.
    package struct Origination: Hashable, Sendable {
        /// The employee's short number or login at the provider, or the number of another device of his.
        package var from: String
        /// Whom to call: digits, with or without `+`; a short number.
        package var to: String
        /// Our number that is shown; `nil` leaves it to the provider.
        package var line: String?
        /// A name to show to the employee.
        package var callerName: String?
        package var record: Bool

        package init(from: String, to: String, line: String? = nil, callerName: String? = nil, record: Bool = false) {
            self.from = from
            self.to = to
            self.line = line
            self.callerName = callerName
            self.record = record
        }
    }
}

/// Something that a provider can do for us; raw values are what `/connections/{id}` shows.
package enum Capability: String, Sendable, CaseIterable {
    case originate, hangup, hold, resume, dtmf, routing, recordings, history
    case blindTransfer = "transfer.blind"
    case attendedTransfer = "transfer.attended"
    case recordStart = "record.start"
    case recordStop = "record.stop"
}
