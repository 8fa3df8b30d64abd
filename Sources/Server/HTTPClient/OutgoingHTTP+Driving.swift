import CSystem
import Connector
import Glibc
import Network

/// How libcurl is driven: it names sockets and times, the loop watches them and calls it back.
extension OutgoingHTTP {
    /// Before the loop starts.
    func startDriving() throws {
        // Unretained: the turn-end hook keeps the client for as long as the loop runs, and the handle is freed on the loop.
        let owner = Unmanaged.passUnretained(self).toOpaque()
        multi = csys_curl_multi(
            { _, socket, what, owner, _ in OutgoingHTTP.of(owner)?.watch(socket, what) ?? 0 },
            { _, milliseconds, owner in OutgoingHTTP.of(owner)?.arm(milliseconds) ?? 0 },
            owner, configuration.connectionsPerHost, configuration.keptConnections)
        guard multi != nil else { throw NetworkError(.loop, "libcurl", hint: "the process is out of memory") }
        loop.onTurnEnd { [self] in endTurn() }
    }

    func stopDriving() {
        if let timer { loop.cancel(timer) }
        curl_multi_cleanup(multi)
        multi = nil
    }

    private static func of(_ owner: UnsafeMutableRawPointer?) -> OutgoingHTTP? {
        owner.map { Unmanaged<OutgoingHTTP>.fromOpaque($0).takeUnretainedValue() }
    }

    /// Has the sockets of an easy handle's connections made and closed here.
    func keepSockets(of easy: UnsafeMutableRawPointer) {
        csys_curl_set_sockets(
            easy,
            { owner, _, address in
                guard let owner = OutgoingHTTP.of(owner), let address else { return -1 }
                let socket = csys_curl_open(address)
                if socket >= 0 { owner.sockets[socket] = ConnectionSocket() }
                return socket
            },
            { owner, socket in
                OutgoingHTTP.of(owner)?.letGo(of: socket)
                return close(socket)
            }, Unmanaged.passUnretained(self).toOpaque())
    }

    private func letGo(of socket: Int32) {
        sockets[socket] = nil
        loop.unwatch(socket)
    }

    /// libcurl wants to know when a socket is ready, or no longer.
    ///
    /// It asks anew for each transfer. A connection's socket stays watched between two of them, which saves two calls of the kernel.
    private func watch(_ socket: Int32, _ what: Int32) -> Int32 {
        guard what != CURL_POLL_REMOVE else {
            if sockets[socket] == nil { loop.unwatch(socket) } else { sockets[socket]?.isResting = true }
            return 0
        }
        let isWatchedSo = sockets[socket]?.watched == what
        sockets[socket]?.isResting = false
        if isWatchedSo { return 0 }
        sockets[socket]?.watched = what
        var events: ReadyEvents = []
        if what != CURL_POLL_OUT { events.insert(.readable) }
        if what != CURL_POLL_IN { events.insert(.writable) }
        return loop.watch(socket, events) { [self] in ready(socket, $0) } ? 0 : -1
    }

    private func ready(_ socket: Int32, _ events: ReadyEvents) {
        if sockets[socket]?.isResting == true {
            // The server has ended it, or speaks out of turn: libcurl looks before it uses it again.
            sockets[socket]?.watched = CURL_POLL_NONE
            return loop.unwatch(socket)
        }
        csys_curl_ready(
            multi, socket, events.contains(.readable) ? 1 : 0, events.contains(.writable) ? 1 : 0,
            events.isDisjoint(with: [.failed, .hangUp]) ? 0 : 1)
    }

    /// libcurl wants to be called later. A time of 0 means soon, but never inside this callback: at the end of the turn.
    private func arm(_ milliseconds: Int) -> Int32 {
        if let timer { loop.cancel(timer) }
        timer = nil
        isDue = milliseconds == 0
        if isDue {
            loop.requestTurn()
        } else if milliseconds > 0 {
            timer = loop.schedule(after: .milliseconds(milliseconds)) { [self] in
                timer = nil
                csys_curl_timeout(multi)
            }
        }
        return 0
    }

    /// One wake-up call and one look at what has ended, for all events of the turn.
    private func endTurn() {
        guard multi != nil else { return }
        if isDue {
            isDue = false
            csys_curl_timeout(multi)
        }
        reap()
        if isDue { loop.requestTurn() }
    }

    private func reap() {
        var code = CURLE_OK
        while let easy = csys_curl_next_done(multi, &code) {
            guard let owner = csys_curl_owner(easy) else { continue }
            let transfer = Unmanaged<OutgoingTransfer>.fromOpaque(owner).takeUnretainedValue()
            finish(transfer, transfer.result(code))
        }
    }
}

/// The socket of one of libcurl's connections.
struct ConnectionSocket {
    /// For what the loop watches it, in libcurl's words.
    var watched = CURL_POLL_NONE
    /// No transfer uses it.
    var isResting = false
}
