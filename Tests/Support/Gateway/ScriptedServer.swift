import CSystem
import Glibc

/// Somebody else's HTTP server on an ephemeral port of the loopback: a CRM or a vendor's API, as a test wants it to be.
///
/// A thread takes connections, and each has its own. `@unchecked Sendable`: the descriptor never changes.
package final class ScriptedServer: @unchecked Sendable {
    /// What is done with a request.
    package enum Reaction: Sendable {
        case answer(Int, String = "", headers: [String] = [])
        /// These very bytes.
        case bytes([UInt8])
        /// These very bytes; then the connection is closed.
        case lastBytes([UInt8])
        /// Nothing, for as long as the client stays.
        case silence
        /// The connection is closed.
        case hangUp
    }

    package typealias Script = @Sendable (WireRequest) -> Reaction

    package let port: UInt16
    private let descriptor: Int32
    private let script: Guarded<Script>
    private let seen = Guarded<[WireRequest]>([])
    private let bell = Bell()

    package init(_ script: @escaping Script) throws {
        self.script = Guarded(script)
        let descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        self.descriptor = descriptor
        guard descriptor >= 0 else { throw SystemFailure.last("socket") }
        var address = sockaddr_in()
        address.sin_family = sa_family_t(AF_INET)
        address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        var length = socklen_t(MemoryLayout<sockaddr_in>.size)
        let isBound = withUnsafeMutablePointer(to: &address) { pointer in
            pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { generic in
                bind(descriptor, generic, length) == 0 && listen(descriptor, 64) == 0
                    && getsockname(descriptor, generic, &length) == 0
            }
        }
        guard isBound else { throw SystemFailure.last("listen") }
        port = UInt16(bigEndian: address.sin_port)
        Threads.start { [self] in takeConnections() }
    }

    /// Takes no more connections.
    package func stop() { shutdown(descriptor, Int32(SHUT_RDWR)) }

    /// From now on requests are answered so.
    package func follow(_ script: @escaping Script) { self.script.withLock { $0 = script } }

    /// What was asked so far.
    package var requests: [WireRequest] { seen.withLock { $0 } }

    /// Waits for so many requests.
    @discardableResult
    package func wait(for count: Int) -> Bool { bell.wait { seen.withLock { $0.count >= count } } }

    // MARK: Serving

    private func takeConnections() {
        while true {
            let connection = accept(descriptor, nil, nil)
            guard connection >= 0 else { return }
            Threads.start { [self] in serve(connection) }
        }
    }

    private func serve(_ connection: Int32) {
        var received: [UInt8] = []
        while let request = read(connection, &received) {
            seen.withLock { $0.append(request) }
            bell.ring()
            guard react(script.withLock { $0 }(request), connection) else { break }
        }
        close(connection)
    }

    /// - Returns: whether the connection goes on.
    private func react(_ reaction: Reaction, _ connection: Int32) -> Bool {
        switch reaction {
        case .answer(let status, let body, let headers):
            let lines = ["HTTP/1.1 \(status) OK", "Content-Length: \(body.utf8.count)"] + headers
            return send(Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8), connection)
        case .bytes(let bytes): return send(bytes, connection)
        case .lastBytes(let bytes):
            _ = send(bytes, connection)
            return false
        case .silence:
            var byte: UInt8 = 0
            while recv(connection, &byte, 1, 0) > 0 {}
            return false
        case .hangUp: return false
        }
    }

    private func send(_ bytes: [UInt8], _ connection: Int32) -> Bool {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return false }
            sent += count
        }
        return true
    }

    /// The next request of a connection; its body by Content-Length.
    private func read(_ connection: Int32, _ received: inout [UInt8]) -> WireRequest? {
        while received.firstRange(of: Array("\r\n\r\n".utf8)) == nil {
            guard receive(connection, &received) else { return nil }
        }
        guard let end = received.firstRange(of: Array("\r\n\r\n".utf8)) else { return nil }
        let lines = String(decoding: received[..<end.lowerBound], as: UTF8.self).split(separator: "\r\n").map(String.init)
        received.removeFirst(end.upperBound)
        let words = lines.first?.split(separator: " ") ?? []
        guard words.count == 3 else { return nil }
        let headers = Array(lines.dropFirst())
        let length =
            headers.lazy.compactMap { line -> Int? in
                line.lowercased().hasPrefix("content-length:") ? Int(line.dropFirst(15).filter { $0 != " " }) : nil
            }.first ?? 0
        while received.count < length {
            guard receive(connection, &received) else { return nil }
        }
        defer { received.removeFirst(length) }
        return WireRequest(
            String(words[0]), String(words[1]), headers: headers, body: String(decoding: received[..<length], as: UTF8.self))
    }

    private func receive(_ connection: Int32, _ received: inout [UInt8]) -> Bool {
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        let count = recv(connection, &chunk, chunk.count, 0)
        guard count > 0 else { return false }
        received += chunk[..<count]
        return true
    }
}

extension WireRequest {
    /// The first header of that name, without regard to case.
    package func header(_ name: String) -> String? {
        for line in headers {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else { continue }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return nil
    }
}
