/// What somebody asks of the command desk.
package struct CommandRequest: Sendable {
    package var tenant: TenantID
    package var connection: ConnectionID
    package var action: Command.Action
    /// The call to act on, and what it looks like now.
    package var call: CallID?
    package var target: CommandTarget?
    package var idempotencyKey: String
    /// Hash of the request, so that the same key with another request is noticed.
    package var hash: [UInt8]
    package var requestedBy: String

    package init(
        tenant: TenantID, connection: ConnectionID, action: Command.Action, call: CallID? = nil, target: CommandTarget? = nil,
        idempotencyKey: String, hash: [UInt8], requestedBy: String
    ) {
        self.tenant = tenant
        self.connection = connection
        self.action = action
        self.call = call
        self.target = target
        self.idempotencyKey = idempotencyKey
        self.hash = hash
        self.requestedBy = requestedBy
    }
}

/// Why a command was not accepted: nothing was journalled and nothing has left.
package enum CommandRefusal: Error, Sendable, Equatable {
    /// The connection is not loaded, or its provider can only be listened to.
    case noProvider
    case unsupported(Capability)
    /// What was asked cannot be right.
    case invalid(field: String, problem: String)
    /// The idempotency key belongs to another request.
    case keyReused
    /// The same call was ordered a moment ago.
    case duplicate(of: CommandID)
    /// Too many commands wait for this provider.
    case limited(retryAfter: Duration)
    /// The provider failed again and again.
    case providerDown(retryAfter: Duration)
    /// The gateway has too much to do, is ending, or cannot write.
    case busy(String)
}

extension Command.Action {
    /// Looks for what no provider could make sense of, before one counts it against us.
    func check() throws(CommandRefusal) {
        switch self {
        case .originate(let wanted):
            try Self.checkNumber(wanted.from, "from")
            try Self.checkNumber(wanted.to, "to")
            if let line = wanted.line { try Self.checkNumber(line, "line") }
            guard wanted.from != wanted.to else { throw .invalid(field: "to", problem: "It is the number that calls.") }
            guard (wanted.callerName?.utf8.count ?? 0) <= 200 else {
                throw .invalid(field: "caller_name", problem: "It is too long.")
            }
        case .transfer(let target, _): try Self.checkNumber(target, "to")
        case .dtmf(let digits):
            guard (1...64).contains(digits.utf8.count), digits.utf8.allSatisfy({ "0123456789*#ABCDabcd,".utf8.contains($0) })
            else {
                throw .invalid(field: "digits", problem: "Give 1 to 64 of 0-9, *, #, A-D and the comma.")
            }
        case .hangup, .hold, .resume, .record: break
        }
    }

    /// A number as one dials it, a short number, or a login: nothing that ends a line or a parameter.
    private static func checkNumber(_ text: String, _ field: String) throws(CommandRefusal) {
        guard (1...64).contains(text.utf8.count) else { throw .invalid(field: field, problem: "Give 1 to 64 characters.") }
        let isPlain = text.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                || "+*#@._- ()".utf8.contains(byte)
        }
        guard isPlain else { throw .invalid(field: field, problem: "A number, a short number or a login has no such character.") }
        let digits = text.utf8.count { (0x30...0x39).contains($0) }
        let looksDialled = text.utf8.allSatisfy { (0x30...0x39).contains($0) || "+ ()-".utf8.contains($0) }
        if looksDialled, !(2...15).contains(digits) {
            throw .invalid(field: field, problem: "A number has 2 to 15 digits; this one has \(digits).")
        }
    }
}
