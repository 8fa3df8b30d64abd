import Network
import SIP

/// The sockets of SIP on one event loop: messages come in parsed, and go out as bytes over their flow.
///
/// Whom it hears is asked before a byte is parsed (`admits`). A stream is divided by Content-Length, with a deadline for each message.
/// Everything on the loop's thread.
package final class SIPTransport {
    let loop: EventLoop
    let settings: SIPTransportSettings
    /// Whether a source is heard at all.
    package var admits: (IPAddress) -> Bool = { _ in true }
    package var onMessage: (SIPMessage, SIPFlow) -> Void = { _, _ in }
    /// A request that could not be read, or not wholly.
    package var onRefusal: (SIPRefusal, SIPFlow) -> Void = { _, _ in }
    /// The way to a peer is gone.
    package var onLost: (SIPFlow) -> Void = { _ in }
    package internal(set) var counts = SIPTransportCounts()
    /// Where it listens, in the settings' order, ports resolved.
    package private(set) var addresses: [SIPTransportSettings.Listener] = []

    var parser: SIPParser
    private var sockets: [UDPSocket] = []
    private var listeners: [TCPListener] = []
    private var buffer: [UInt8]
    var connections: [UInt32: SIPConnection] = [:]
    var connectionsBySource: [IPAddress: Int] = [:]
    private var lastConnection: UInt32 = 0

    /// Binds every socket; nothing is heard until `start`.
    /// - Throws: `NetworkError.listen`, which names the address.
    package init(_ settings: SIPTransportSettings, loop: EventLoop) throws {
        self.settings = settings
        self.loop = loop
        parser = SIPParser(limits: settings.limits)
        buffer = [UInt8](repeating: 0, count: 65_536)
        do {
            for listener in settings.listeners { try bind(listener) }
        } catch {
            close()
            throw error
        }
    }

    private func bind(_ listener: SIPTransportSettings.Listener) throws {
        if listener.transport == .udp {
            let socket = try UDPSocket(on: listener.address, bufferByteCount: 1 << 20)
            sockets.append(socket)
            addresses.append(.init(.udp, socket.address))
        } else {
            let socket = try TCPListener(on: listener.address)
            listeners.append(socket)
            addresses.append(.init(listener.transport, socket.address))
        }
    }

    /// Begins to hear. On the loop.
    package func start() {
        for (place, socket) in sockets.enumerated() {
            loop.watch(socket.descriptor, .readable) { [unowned self] _ in receive(at: place) }
        }
        for listener in listeners {
            loop.watch(listener.descriptor, .readable) { [unowned self] _ in accept(from: listener) }
        }
    }

    /// Closes everything. On the loop.
    package func close() {
        for connection in connections.values { connection.close(telling: false) }
        connections.removeAll()
        connectionsBySource.removeAll()
        for listener in listeners {
            loop.unwatch(listener.descriptor)
            listener.close()
        }
        for socket in sockets {
            loop.unwatch(socket.descriptor)
            socket.close()
        }
        listeners.removeAll()
        sockets.removeAll()
    }

    /// Our address on the way of a flow: what its socket is bound to.
    package func localAddress(of flow: SIPFlow) -> SocketAddress? {
        if flow.transport == .udp {
            return addresses.lazy.filter { $0.transport == .udp }.dropFirst(Int(flow.local)).first?.address
        }
        return connections[flow.local]?.localAddress ?? addresses.first { $0.transport == flow.transport }?.address
    }

    // MARK: Datagrams

    /// Takes what has come, up to a turn's share, so that a flood leaves time for the rest.
    private func receive(at place: Int) {
        guard sockets.indices.contains(place) else { return }
        for _ in 0..<64 {
            let socket = sockets[place]
            switch buffer.withUnsafeMutableBytes({ socket.receive(into: $0) }) {
            case .datagram(let count, let peer): take(count, from: SIPFlow(transport: .udp, remote: peer, local: UInt32(place)))
            case .cut: counts.malformed += 1
            case .wouldBlock: return
            case .failed: _ = socket.takeError()
            }
        }
    }

    private func take(_ count: Int, from flow: SIPFlow) {
        counts.received += 1
        guard admits(flow.remote.ip) else {
            counts.shut += 1
            return
        }
        do {
            let bytes = buffer
            if let message = try parser.parse(datagram: bytes.span.extracting(0..<count)).message { onMessage(message, flow) }
        } catch {
            counts.malformed += 1
            onRefusal(error, flow)
        }
    }

    // MARK: Sending

    /// Sends a message. Over UDP what the system does not take is lost, as on any way; over a stream it waits its turn. A flow of a
    /// stream without a name gets a connection to its peer, an open one where there is one.
    package func send(_ bytes: [UInt8], over flow: SIPFlow) {
        counts.sent += 1
        switch flow.transport {
        case .udp: sendDatagram(bytes, over: flow)
        default: stream(of: flow)?.send(bytes)
        }
    }

    private func sendDatagram(_ bytes: [UInt8], over flow: SIPFlow) {
        guard sockets.indices.contains(Int(flow.local)) else { return }
        if bytes.withUnsafeBytes({ sockets[Int(flow.local)].send($0, to: flow.remote) }) != .done { counts.dropped += 1 }
    }

    private func stream(of flow: SIPFlow) -> SIPConnection? {
        if flow.local != 0 {
            guard let connection = connections[flow.local], connection.flow.remote == flow.remote else {
                onLost(flow)
                return nil
            }
            return connection
        }
        if let open = connections.values.first(where: { $0.flow.remote == flow.remote && $0.flow.transport == flow.transport }) {
            return open
        }
        guard flow.transport == .tcp, let connection = SIPConnection(to: flow, name: nextName(), in: self) else {
            onLost(flow)
            return nil
        }
        keep(connection)
        return connection
    }

    // MARK: Connections

    private func accept(from listener: TCPListener) {
        for _ in 0..<64 {
            guard case .connection(let descriptor, let peer) = listener.accept() else { return }
            let source = Self.source(peer.ip)
            guard admits(peer.ip), connections.count < settings.connections,
                connectionsBySource[source, default: 0] < settings.connectionsPerSource
            else {
                counts.refusedConnections += 1
                SIPConnection.close(descriptor)
                continue
            }
            let flow = SIPFlow(transport: .tcp, remote: peer, local: nextName())
            keep(SIPConnection(accepted: descriptor, flow, in: self))
        }
    }

    private func keep(_ connection: SIPConnection) {
        connections[connection.flow.local] = connection
        connectionsBySource[Self.source(connection.flow.remote.ip), default: 0] += 1
        counts.connections = connections.count
        connection.begin()
    }

    func forget(_ connection: SIPConnection) {
        guard connections.removeValue(forKey: connection.flow.local) != nil else { return }
        let source = Self.source(connection.flow.remote.ip)
        let rest = connectionsBySource[source, default: 1] - 1
        connectionsBySource[source] = rest > 0 ? rest : nil
        counts.connections = connections.count
    }

    /// Somebody has proved himself on this connection: it may stay.
    package func trust(_ flow: SIPFlow) { connections[flow.local]?.isTrusted = true }

    private func nextName() -> UInt32 {
        repeat { lastConnection &+= 1 } while lastConnection == 0 || connections[lastConnection] != nil
        return lastConnection
    }

    /// One customer has a whole IPv6 /64.
    static func source(_ address: IPAddress) -> IPAddress { address.isV4 ? address : address.masked(to: 64) }
}
