import CSystem
import Glibc

/// Asks a server one question and tells everything about the way there: for finding out why something does not work.
///
/// Blocks the calling thread, up to the deadline. Certificates are judged by the system's authorities, and the judgement is told
/// instead of being insisted upon. Follows no redirect, uses no proxy, sends nothing but the one request.
package struct AddressProbe: Sendable {
    /// What the server said.
    package struct Answer: Sendable {
        package var status: Int
        /// At most 64 KB of what follows the head.
        package var body: [UInt8]
        /// The server's own; `nil` without TLS.
        package var certificate: Certificate?
        /// Why a careful client would not trust the certificate, in OpenSSL's words; `nil` where it would.
        package var distrust: String?
    }

    private static let maximumBytes = 64 << 10

    /// What is asked for; its host is the one that the certificate is judged by.
    package var target: WebAddress
    package var deadline: Duration

    package init(_ target: WebAddress, deadline: Duration = .seconds(5)) {
        self.target = target
        self.deadline = deadline
    }

    /// The addresses behind the target's host; of a literal address only itself. Asks the system's resolver.
    /// - Throws: `NetworkError` naming the host.
    package func addresses() throws(NetworkError) -> [SocketAddress] {
        try SocketAddress.lookUp(target.host, port: target.port)
    }

    /// Sends `GET target.path + path` to one address and reads the answer to its end.
    /// - Throws: `NetworkError` naming the address and the step that failed.
    package func get(_ path: String, at address: SocketAddress) throws(NetworkError) -> Answer {
        csys_block_pipe_signal()
        var talk = try Conversation(address, until: .now.advanced(by: deadline))
        defer { talk.close() }
        var judgement: (certificate: Certificate?, distrust: String?)
        if target.isSecure { judgement = try talk.startTLS(host: target.host) }
        try talk.send(
            "GET \(target.path)\(path) HTTP/1.1\r\nHost: \(target.authority)\r\nAccept: */*\r\nConnection: close\r\n\r\n")
        let bytes = try talk.readToEnd(atMost: Self.maximumBytes)
        guard let (status, body) = Self.parse(bytes) else { throw talk.failure("no answer in HTTP") }
        return Answer(status: status, body: body, certificate: judgement.certificate, distrust: judgement.distrust)
    }

    /// `HTTP/1.1 200 …`, a head, an empty line, a body.
    private static func parse(_ bytes: [UInt8]) -> (status: Int, body: [UInt8])? {
        let end = bytes.firstRange(of: Array("\r\n\r\n".utf8))
        let words = String(decoding: bytes.prefix(64), as: UTF8.self).split(separator: " ", maxSplits: 2)
        guard let end, words.count > 1, words[0].hasPrefix("HTTP/1."), let status = Int(words[1].prefix(3)) else { return nil }
        return (status, Array(bytes[end.upperBound...]))
    }
}

/// One connection of a probe.
private struct Conversation {
    private let address: SocketAddress
    private let end: MonotonicInstant
    private let descriptor: Int32
    private var tls: TLSStream?

    /// Connects.
    init(_ address: SocketAddress, until end: MonotonicInstant) throws(NetworkError) {
        self.address = address
        self.end = end
        descriptor = csys_tcp_socket(address.ip.isV4 ? 0 : 1)
        guard descriptor >= 0 else { throw failure("socket", -descriptor) }
        do {
            try connect()
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    private func connect() throws(NetworkError) {
        var system = address.system
        let begun = csys_connect(descriptor, &system)
        if begun == -EINPROGRESS { try wait(toWrite: true, "connecting") }
        let result = begun == -EINPROGRESS ? csys_connect_result(descriptor) : -begun
        guard result == 0 else { throw failure("connecting", result) }
    }

    func close() {
        tls?.end()
        Glibc.close(descriptor)
    }

    mutating func startTLS(host: String) throws(NetworkError) -> (certificate: Certificate?, distrust: String?) {
        guard let context = csys_tls_probe_context() else { throw failure("TLS") }
        defer { SSL_CTX_free(context) }
        guard let session = SSL_new(context) else { throw failure("TLS") }
        tls = TLSStream(session: session)
        SSL_set_fd(session, descriptor)
        SSL_set_connect_state(session)
        TLSStream.expect(host, of: session)
        try shakeHands(session)
        let judgement = SSL_get_verify_result(session)
        return (
            SSL_get1_peer_certificate(session).map(Certificate.init(owning:)),
            judgement == Int(X509_V_OK) ? nil : String(cString: X509_verify_cert_error_string(judgement))
        )
    }

    private func shakeHands(_ session: OpaquePointer) throws(NetworkError) {
        while true {
            switch tls?.handshake() {
            case .done: return
            case .pending: try wait(toWrite: SSL_want(session) == SSL_WRITING, "TLS handshake")
            case .failed, nil: throw failure("TLS handshake refused")
            }
        }
    }

    func send(_ text: String) throws(NetworkError) {
        var rest = Array(text.utf8)[...]
        while !rest.isEmpty {
            switch rest.withUnsafeBytes({ tls?.send($0) ?? TCPSocket.send(descriptor, $0) }) {
            case .bytes(let count): rest = rest.dropFirst(count)
            case .wouldBlock: try wait(toWrite: true, "sending")
            case .ended, .failed: throw failure("the connection was cut")
            }
        }
    }

    func readToEnd(atMost limit: Int) throws(NetworkError) -> [UInt8] {
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 4096)
        while bytes.count < limit {
            switch chunk.withUnsafeMutableBytes({ tls?.receive(into: $0) ?? TCPSocket.receive(descriptor, into: $0) }) {
            case .bytes(let count): bytes += chunk[..<count]
            case .wouldBlock: try wait(toWrite: false, "waiting for an answer")
            // Many servers end a TLS stream without saying so; what has come is judged as it is.
            case .ended, .failed: return bytes
            }
        }
        return bytes
    }

    private func wait(toWrite: Bool, _ step: String) throws(NetworkError) {
        let left = end.duration(since: .now).clampedNanoseconds / 1_000_000
        guard left > 0 else { throw failure(step, ETIMEDOUT) }
        let result = csys_wait_ready(descriptor, toWrite ? 1 : 0, Int32(clamping: left))
        guard result >= 0 else { throw failure(step, -result) }
    }

    func failure(_ step: String, _ code: Int32? = nil) -> NetworkError {
        NetworkError(.probe, "\(address): \(step)", errno: code)
    }
}
