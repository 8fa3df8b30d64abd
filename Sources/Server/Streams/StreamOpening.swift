import CSystem
import Connector
import Glibc
import Network

/// The way to one stream: its host's addresses, a connection to one of them, and TLS over it.
struct StreamOpening {
    private let address: StreamAddress
    private let end: MonotonicInstant
    private let engine: StreamEngine

    init(_ address: StreamAddress, until end: MonotonicInstant, on engine: StreamEngine) {
        self.address = address
        self.end = end
        self.engine = engine
    }

    // MARK: The name

    func addresses(from desk: LookUpDesk) async throws(StreamFailure) -> [SocketAddress] {
        if let ip = IPAddress(address.host) { return [SocketAddress(ip, port: address.port)] }
        switch await desk.find(address.host, port: address.port, until: end, engine) {
        case .found(let addresses) where !addresses.isEmpty: return addresses
        case .found: throw failure(.resolve, "the name has no address")
        case .failed(let reason): throw failure(.resolve, reason)
        case .cancelled: throw failure(.cancelled, "cancelled")
        case .late: throw failure(.late, "its name was not found in time")
        case .over: throw failure(.ended, "the gateway ends")
        }
    }

    // MARK: The connection

    /// Tries one address after the other.
    /// - Returns: a descriptor that the caller owns.
    func connect(to addresses: [SocketAddress]) async throws(StreamFailure) -> Int32 {
        var last = failure(.connect, "it has no address")
        for (number, target) in addresses.enumerated() {
            do throws(StreamFailure) {
                return try await connect(to: target, until: share(of: addresses.count - number))
            } catch  where error.code == .connect || error.code == .late {
                last = error
            }
        }
        throw last
    }

    /// When one of `count` attempts that are left must be over.
    private func share(of count: Int) -> MonotonicInstant {
        let now = MonotonicInstant.now
        return now.advanced(by: end.duration(since: now) / max(1, count))
    }

    private func connect(to target: SocketAddress, until end: MonotonicInstant) async throws(StreamFailure) -> Int32 {
        let descriptor = csys_tcp_socket(target.ip.isV4 ? 0 : 1)
        guard descriptor >= 0 else { throw failure(.connect, Self.text(-descriptor)) }
        do throws(StreamFailure) {
            var system = target.system
            let begun = csys_connect(descriptor, &system)
            if begun == -EINPROGRESS { try await wait(for: descriptor, .writable, until: end, "not connected in time") }
            let result = begun == -EINPROGRESS ? csys_connect_result(descriptor) : -begun
            guard result == 0 else { throw failure(.connect, Self.text(result)) }
            _ = csys_no_delay(descriptor)
            return descriptor
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    // MARK: TLS

    /// Shakes hands where the address asks for it. Closes the descriptor where that fails.
    func secure(_ descriptor: Int32, with contexts: TLSContexts) async throws(StreamFailure) -> TLSStream? {
        guard address.isSecured else { return nil }
        do throws(StreamFailure) {
            return try await shakeHands(descriptor, try context(from: contexts))
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    private func context(from contexts: TLSContexts) throws(StreamFailure) -> TLSClientContext {
        do {
            return try contexts[trustingAny: address.trustsAnyCertificate]
        } catch {
            throw failure(.tls, "\(error)")
        }
    }

    private func shakeHands(_ descriptor: Int32, _ context: TLSClientContext) async throws(StreamFailure) -> TLSStream {
        guard let tls = context.makeStream(descriptor: descriptor, host: address.host) else {
            throw failure(.tls, "the process is out of memory")
        }
        do throws(StreamFailure) {
            while true {
                // The pool's threads have not blocked it, and OpenSSL writes without MSG_NOSIGNAL.
                csys_block_pipe_signal()
                switch tls.handshake() {
                case .done: return tls
                case .pending:
                    let wanted: ReadyEvents = tls.wantsToWrite ? .writable : .readable
                    try await wait(for: descriptor, wanted, until: end, "no TLS handshake in time")
                case .failed: throw failure(.tls, tls.distrust ?? "it does not agree on TLS")
                }
            }
        } catch {
            tls.end()
            throw error
        }
    }

    // MARK: Common

    private func wait(
        for descriptor: Int32, _ events: ReadyEvents, until end: MonotonicInstant, _ tooLate: String
    ) async throws(StreamFailure) {
        switch await engine.wait(for: descriptor, events, until: end) {
        case .ready: return
        case .late: throw failure(.late, tooLate)
        case .cancelled: throw failure(.cancelled, "cancelled")
        case .over: throw failure(.ended, "the gateway ends")
        }
    }

    private func failure(_ code: StreamFailure.Code, _ reason: String) -> StreamFailure {
        StreamFailure(code, at: address.place, reason)
    }

    private static func text(_ errno: Int32) -> String { String(cString: strerror(errno)) }
}
