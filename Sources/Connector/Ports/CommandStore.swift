/// Where commands are kept: part of the journal, committed with its groups.
package protocol CommandStore: Sendable {
    /// Writes commands, each in place of what was kept of it. A new one whose tenant and idempotency key another command has is
    /// refused, as `.failed`.
    ///
    /// `completion` is called once, on the writer's thread, after the commit or its failure; it must not block.
    /// - Returns: `false`, with no completion, where the queue is full.
    func save(_ rows: [CommandRow], completion: @escaping @Sendable (AppendOutcome) -> Void) -> Bool
}

/// A command with what it is found by.
package struct CommandRow: Sendable, Equatable {
    package var id: CommandID
    package var tenant: TenantID
    package var idempotencyKey: String
    /// Hash of the request that asked for it: the same key with another request is an error.
    package var request: [UInt8]
    /// Something is still expected of it.
    package var isOpen: Bool
    package var createdAt: Instant
    /// `Command.packed()`.
    package var body: [UInt8]

    /// - Parameter isOpen: `nil` where the command's status tells.
    package init(_ command: Command, request: [UInt8], isOpen: Bool? = nil) {
        self.init(
            id: command.id, tenant: command.tenant, idempotencyKey: command.idempotencyKey, request: request,
            isOpen: isOpen ?? !command.status.isFinal, createdAt: command.createdAt, body: command.packed())
    }

    package init(
        id: CommandID, tenant: TenantID, idempotencyKey: String, request: [UInt8], isOpen: Bool, createdAt: Instant, body: [UInt8]
    ) {
        self.id = id
        self.tenant = tenant
        self.idempotencyKey = idempotencyKey
        self.request = request
        self.isOpen = isOpen
        self.createdAt = createdAt
        self.body = body
    }
}

/// Reads the journal on a thread that may wait.
package protocol JournalReading: Sendable {
    /// Runs `body` with a reader.
    /// - Throws: what `body` throws; an error where too much waits already.
    func read<Result: Sendable>(_ body: @escaping @Sendable (any JournalReader) throws -> Result) async throws -> Result
}
