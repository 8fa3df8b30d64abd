import CSystem
import Glibc
import Network
import SIP

/// One TCP connection that SIP is spoken over.
final class SIPConnection {
    let flow: SIPFlow
    /// Somebody has proved himself here, or we opened it.
    var isTrusted: Bool
    private unowned let transport: SIPTransport
    private let descriptor: Int32
    private var framer = SIPStreamFramer()
    private var incoming: [UInt8] = []
    private var outgoing: [UInt8] = []
    private var isConnected: Bool
    /// Whether it is watched for room to write, too.
    private var waitsForWindow = false
    private var isClosed = false
    private var messageTimer: TimerID?
    private var strangerTimer: TimerID?

    init(accepted descriptor: Int32, _ flow: SIPFlow, in transport: SIPTransport) {
        self.descriptor = descriptor
        self.flow = flow
        self.transport = transport
        isConnected = true
        isTrusted = false
    }

    /// Begins to connect; nil where the system refuses at once.
    init?(to flow: SIPFlow, name: UInt32, in transport: SIPTransport) {
        let descriptor = csys_tcp_socket(flow.remote.ip.isV4 ? 0 : 1)
        guard descriptor >= 0 else { return nil }
        var system = flow.remote.system
        let result = csys_connect(descriptor, &system)
        guard result == 0 || result == -EINPROGRESS else {
            Glibc.close(descriptor)
            return nil
        }
        self.descriptor = descriptor
        self.flow = SIPFlow(transport: flow.transport, remote: flow.remote, local: name)
        self.transport = transport
        isConnected = false
        isTrusted = true
    }

    var localAddress: SocketAddress? {
        var system = csys_address()
        return csys_local_address(descriptor, &system) == 0 ? SocketAddress(system) : nil
    }

    func begin() {
        waitsForWindow = !isConnected
        guard watch() else { return close() }
        let patience = isConnected ? transport.settings.strangerPatience : transport.settings.connectPatience
        strangerTimer = transport.loop.schedule(after: patience) { [weak self] in self?.patienceEnded() }
    }

    private func patienceEnded() {
        strangerTimer = nil
        if !isConnected || !isTrusted { close() }
    }

    private func ready(_ events: ReadyEvents) {
        if !isConnected {
            guard csys_connect_result(descriptor) == 0 else { return close() }
            isConnected = true
        }
        if events.contains(.writable) { flush() }
        if !isClosed, !events.isDisjoint(with: [.readable, .hangUp, .failed]) { receive() }
    }

    // MARK: In

    private func receive() {
        withUnsafeTemporaryAllocation(byteCount: 16_384, alignment: 8) { chunk in
            for _ in 0..<16 {
                switch TCPSocket.receive(descriptor, into: chunk) {
                case .bytes(let count):
                    incoming.append(contentsOf: UnsafeRawBufferPointer(rebasing: chunk[..<count]))
                    divide()
                    if isClosed { return }
                case .wouldBlock: return
                case .ended, .failed: return close()
                }
            }
        }
    }

    private func divide() {
        let taken = takeMessages(of: incoming)
        if taken > 0, !isClosed { incoming.removeFirst(taken) }
        watchPatience(isWhole: taken > 0)
    }

    /// - Returns: how many bytes at the front are done with.
    private func takeMessages(of bytes: [UInt8]) -> Int {
        var taken = 0
        while taken < bytes.count, !isClosed {
            switch framer.next(bytes.span.extracting(taken..<bytes.count), with: &transport.parser) {
            case .incomplete: return taken
            case .ping(let count):
                send([0x0D, 0x0A])
                taken += count
            case .emptyLine(let count): taken += count
            case .message(let message, let count):
                taken += count
                transport.counts.received += 1
                hand { transport.onMessage(message, flow) }
            case .refused(let refusal, let count):
                transport.counts.malformed += 1
                hand { transport.onRefusal(refusal, flow) }
                guard let count else {
                    close()
                    return taken
                }
                taken += count
            }
        }
        return taken
    }

    /// A banned source is not heard on connections either that it has already.
    private func hand(_ deliver: () -> Void) {
        guard transport.admits(flow.remote.ip) else {
            transport.counts.shut += 1
            return close()
        }
        deliver()
    }

    /// The deadline of a message runs from its first byte: a new one begins with each that is whole.
    private func watchPatience(isWhole: Bool) {
        if isWhole || incoming.isEmpty, let timer = messageTimer {
            transport.loop.cancel(timer)
            messageTimer = nil
        }
        guard !isClosed, !incoming.isEmpty, messageTimer == nil else { return }
        messageTimer = transport.loop.schedule(after: transport.settings.messagePatience) { [weak self] in
            self?.messageTimer = nil
            self?.close()
        }
    }

    // MARK: Out

    func send(_ bytes: [UInt8]) {
        guard !isClosed else { return }
        guard outgoing.count + bytes.count <= transport.settings.sendQueueByteCount else { return close() }
        outgoing += bytes
        if isConnected { flush() }
    }

    private func flush() {
        var sent = 0
        loop: while sent < outgoing.count {
            let outcome = outgoing.withUnsafeBytes { TCPSocket.send(descriptor, UnsafeRawBufferPointer(rebasing: $0[sent...])) }
            switch outcome {
            case .bytes(let count): sent += count
            case .wouldBlock: break loop
            case .ended, .failed: return close()
            }
        }
        outgoing.removeFirst(sent)
        guard outgoing.isEmpty == waitsForWindow else { return }
        waitsForWindow.toggle()
        watch()
    }

    @discardableResult
    private func watch() -> Bool {
        transport.loop.watch(descriptor, waitsForWindow ? [.readable, .writable] : .readable) { [unowned self] in ready($0) }
    }

    // MARK: End

    /// - Parameter telling: whether those who wait for answers over it are to know.
    func close(telling: Bool = true) {
        guard !isClosed else { return }
        isClosed = true
        for timer in [messageTimer, strangerTimer] { if let timer { transport.loop.cancel(timer) } }
        transport.loop.unwatch(descriptor)
        Self.close(descriptor)
        guard telling else { return }
        transport.forget(self)
        transport.onLost(flow)
    }

    static func close(_ descriptor: Int32) { Glibc.close(descriptor) }
}
