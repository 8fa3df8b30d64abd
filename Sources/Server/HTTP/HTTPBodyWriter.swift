import Network

/// The client of a streamed body has gone.
package struct HTTPClientGone: Error, Sendable { package init() {} }

/// Writes a streamed body; its isolation is the connection's loop.
package actor HTTPBodyWriter {
    private let server: HTTPLoop
    private let token: ReplyToken

    init(_ server: HTTPLoop, _ token: ReplyToken) {
        self.server = server
        self.token = token
    }

    package nonisolated var unownedExecutor: UnownedSerialExecutor { server.loop.asUnownedSerialExecutor() }

    /// Sends `bytes`; waits while more than `HTTPLimits.writeHighWater` bytes are unsent.
    /// - Throws: `HTTPClientGone`, or `CancellationError` when the task was cancelled.
    package func write(_ bytes: [UInt8]) async throws {
        try Task.checkCancellation()
        switch server.writeStream(bytes, token) {
        case .ready: return
        case .gone: throw HTTPClientGone()
        case .full: await withCheckedContinuation { server.awaitDrain(token, $0) }
        }
        try Task.checkCancellation()
    }

    /// Sends text as UTF-8.
    package func write(_ text: String) async throws { try await write(Array(text.utf8)) }
}
