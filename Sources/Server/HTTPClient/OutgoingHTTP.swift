import CSystem
import Connector
import Network
import Synchronization

/// Bounds of an `OutgoingHTTP`.
package struct OutgoingHTTPConfiguration: Sendable {
    /// Connections to one host; further requests wait for one of them, within their deadline.
    package var connectionsPerHost = 64
    /// Requests that may wait for one of them; more are refused at once.
    package var waitingPerHost = 10_000
    /// Idle connections kept for the next request, over all hosts.
    package var keptConnections = 256
    /// A file of certificates to trust instead of the system's.
    package var certificateAuthorities: String?
    /// `http://host:port`; nil goes directly, whatever the environment says.
    package var proxy: String?
    package var userAgent = "Kommutator"

    package init() {}
}

/// The port `Outgoing` made real: libcurl's multi interface on an event loop of its own.
///
/// Connections are kept and used again, names are looked up in threads of libcurl, nothing blocks. Answers are whole bodies,
/// bounded by the request.
/// ```swift
/// let client = try OutgoingHTTP()
/// let answer = try await client.send(OutgoingRequest("GET", "https://api.example.com/v1/users"))
/// await client.shutdown()
/// ```
/// `@unchecked Sendable`: everything but `isOpen` is touched on the loop's thread only, or in `init` before the loop starts.
package final class OutgoingHTTP: Outgoing, @unchecked Sendable {
    /// Tasks that prefer it as their executor send and receive without changing threads.
    package let loop: EventLoop
    let configuration: OutgoingHTTPConfiguration
    /// libcurl's multi handle.
    var multi: UnsafeMutableRawPointer?
    /// libcurl's wake-up call.
    var timer: TimerID?
    var isDue = false
    /// Those of libcurl's connections.
    var sockets: [Int32: ConnectionSocket] = [:]
    private var transfers: [ObjectIdentifier: OutgoingTransfer] = [:]
    private var lanes: HostLanes
    /// Easy handles for the next transfers: making one costs more than resetting it.
    private var spareHandles: [UnsafeMutableRawPointer] = []
    private let isOpen = Mutex(true)

    /// The library's state for this process; false where it would look names up in the calling thread.
    private static let isLibraryReady = csys_curl_begin() != 0

    /// Starts the loop.
    /// - Throws: `NetworkError.loop` when the process is out of descriptors or libcurl cannot look up names in the background,
    ///   `ThreadError` when it is out of threads.
    package init(_ configuration: OutgoingHTTPConfiguration = OutgoingHTTPConfiguration(), name: String = "outgoing") throws {
        guard Self.isLibraryReady else {
            throw NetworkError(.loop, "libcurl", hint: "install a libcurl that looks up names in threads, as Debian's does")
        }
        self.configuration = configuration
        lanes = HostLanes(configuration)
        loop = try EventLoop(name: name)
        try startDriving()
        do {
            try loop.start()
        } catch {
            stopDriving()
            throw error
        }
    }

    /// Sends a request and waits for the whole answer, of whatever status.
    ///
    /// Cancelling the task ends the transfer and closes its connection.
    /// - Throws: `OutgoingError`.
    package func send(_ request: OutgoingRequest) async throws -> OutgoingResponse { try await send(request, to: nil) }

    package func download(_ request: OutgoingRequest, to receiver: any OutgoingReceiver) async throws -> OutgoingResponse {
        try await send(request, to: receiver)
    }

    private func send(_ request: OutgoingRequest, to receiver: (any OutgoingReceiver)?) async throws -> OutgoingResponse {
        if let fault = request.fault {
            throw OutgoingError(.invalidRequest, place: request.place, reason: fault, isTransient: false)
        }
        let transfer = OutgoingTransfer(request, to: receiver)
        return try await withTaskCancellationHandler {
            try await withCheckedThrowingContinuation { continuation in
                submit(transfer, continuation)
            }
        } onCancel: {
            loop.execute { self.cancel(transfer) }
        }
    }

    /// Ends what is under way with `.cancelled`, closes all connections and stops the loop. Once; nothing can be sent afterwards.
    package func shutdown() async {
        let wasOpen = isOpen.withLock { isOpen in
            defer { isOpen = false }
            return isOpen
        }
        guard wasOpen else { return }
        await withCheckedContinuation { done in
            loop.execute {
                self.lanes = HostLanes(self.configuration)
                for transfer in self.transfers.values { self.cancel(transfer) }
                for handle in self.spareHandles { curl_easy_cleanup(handle) }
                self.spareHandles.removeAll()
                self.stopDriving()
                done.resume()
            }
        }
        loop.stop()
    }

    /// Under the lock, so that no transfer is handed to a loop that has been told to end.
    private func submit(_ transfer: OutgoingTransfer, _ continuation: CheckedContinuation<OutgoingResponse, any Error>) {
        isOpen.withLock { isOpen in
            guard isOpen else { return continuation.resume(throwing: transfer.error(.cancelled, "the client has ended")) }
            loop.execute { self.start(transfer, continuation) }
        }
    }

    // MARK: On the loop

    private func start(_ transfer: OutgoingTransfer, _ continuation: CheckedContinuation<OutgoingResponse, any Error>) {
        guard !transfer.isCancelled, multi != nil else {
            return continuation.resume(throwing: transfer.error(.cancelled, "cancelled"))
        }
        transfer.continuation = continuation
        transfer.deadline = loop.schedule(after: transfer.request.deadline) { [self] in expire(transfer) }
        transfers[ObjectIdentifier(transfer)] = transfer
        switch lanes.enter(transfer) {
        case .now: launch(transfer)
        case .later: break
        case .never:
            finish(transfer, .failure(transfer.error(.crowded, "too many requests wait for this server", isTransient: true)))
        }
    }

    /// Hands to libcurl what has its place.
    private func launch(_ transfer: OutgoingTransfer) {
        guard let multi, let easy = spareHandles.popLast() ?? curl_easy_init() else {
            return finish(transfer, .failure(transfer.error(.crowded, "the process is out of memory", isTransient: true)))
        }
        keepSockets(of: easy)
        transfer.begin(on: easy, configuration)
        let refusal = curl_multi_add_handle(multi, easy)
        if refusal != CURLM_OK { finish(transfer, .failure(transfer.error(.other, "libcurl refused the request"))) }
    }

    /// What still waited for its turn has not left.
    private func expire(_ transfer: OutgoingTransfer) {
        let patience = transfer.request.deadline
        finish(
            transfer,
            .failure(
                transfer.place == .waiting
                    ? transfer.error(.crowded, "no turn in \(patience)", isTransient: true)
                    : transfer.error(.timeout, "no answer in \(patience)", isTransient: true)))
    }

    private func cancel(_ transfer: OutgoingTransfer) {
        transfer.isCancelled = true
        finish(transfer, .failure(transfer.error(.cancelled, "cancelled")))
    }

    /// Ends a transfer, at most once, and lets the next have its place. Never inside a callback of libcurl.
    func finish(_ transfer: OutgoingTransfer, _ result: Result<OutgoingResponse, OutgoingError>) {
        guard transfers.removeValue(forKey: ObjectIdentifier(transfer)) != nil else { return }
        if let deadline = transfer.deadline { loop.cancel(deadline) }
        if let easy = transfer.easy { putBack(easy) }
        transfer.end(with: result)
        if let next = lanes.leave(transfer) { launch(next) }
    }

    private func putBack(_ easy: UnsafeMutableRawPointer) {
        curl_multi_remove_handle(multi, easy)
        curl_easy_reset(easy)
        if spareHandles.count < configuration.keptConnections { spareHandles.append(easy) } else { curl_easy_cleanup(easy) }
    }
}
