import CSystem
import Glibc

/// A request as it goes over the wire.
package struct WireRequest: Sendable, Hashable {
    package var method: String
    package var target: String
    /// Whole lines, without their ends; `Host` and `Content-Length` are added.
    package var headers: [String]
    package var body: String

    package init(_ method: String, _ target: String, headers: [String] = [], body: String = "") {
        self.method = method
        self.target = target
        self.headers = headers
        self.body = body
    }

    /// Every byte of it.
    package var wireText: [UInt8] {
        var lines = ["\(method) \(target) HTTP/1.1", "Host: localhost"] + headers
        if method != "GET" { lines.append("Content-Length: \(body.utf8.count)") }
        return Array((lines.joined(separator: "\r\n") + "\r\n\r\n" + body).utf8)
    }
}

/// An answer as it came.
package struct WireAnswer: Sendable {
    package let head: String
    package let body: [UInt8]

    package var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }
    package var text: String { String(decoding: body, as: UTF8.self) }

    package func header(_ name: String) -> String? {
        for line in head.split(separator: "\r\n").dropFirst() {
            guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else { continue }
            return String(line[line.index(after: colon)...].drop { $0 == " " })
        }
        return nil
    }
}

/// A blocking HTTP client on one kept connection to the loopback. Every wait ends after half a minute, as a failure.
package final class WireClient {
    private let descriptor: Int32
    private var tls: OpaquePointer?
    private var received: [UInt8] = []

    package init(port: UInt16, tls isSecure: Bool = false) throws {
        descriptor = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        guard descriptor >= 0 else { throw SystemFailure.last("socket") }
        var patience = timeval(tv_sec: 30, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        var address = csys_address()
        address.bytes.12 = 127
        address.bytes.15 = 1
        address.port = port
        guard csys_connect(descriptor, &address) == 0 else { throw SystemFailure.last("connect") }
        _ = csys_no_delay(descriptor)
        if isSecure { try startTLS() }
    }

    deinit {
        if let tls { SSL_free(tls) }
        close(descriptor)
    }

    /// Sends a request and reads its answer.
    package func exchange(_ request: WireRequest) throws -> WireAnswer {
        try send(request.wireText)
        return try readAnswer()
    }

    package func send(_ text: String) throws { try send(Array(text.utf8)) }

    package func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { raw in
                tls.map { Int(SSL_write($0, raw.baseAddress, Int32(raw.count))) }
                    ?? csys_send(descriptor, raw.baseAddress, raw.count)
            }
            guard count > 0 else { throw SystemFailure("send: \(count)") }
            sent += count
        }
    }

    /// Says that nothing more will be sent.
    package func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Reads one answer; its body by Content-Length or chunked.
    package func readAnswer() throws -> WireAnswer {
        let head = String(decoding: try take(through: "\r\n\r\n"), as: UTF8.self)
        let answer = WireAnswer(head: head, body: [])
        if answer.status == 304 || answer.status < 200 { return answer }
        if answer.header("Transfer-Encoding") == "chunked" { return WireAnswer(head: head, body: try takeChunks()) }
        return WireAnswer(head: head, body: try take(Int(answer.header("Content-Length") ?? "0") ?? 0))
    }

    /// Waits for the other side to close; what it still sends is thrown away.
    package func waitForClose() throws {
        while try receive() { received.removeAll() }
    }

    // MARK: Reading

    /// Reads once; false at the end of the stream or after a reset.
    private func receive() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 << 10)
        let count = chunk.withUnsafeMutableBytes { raw in
            tls.map { Int(SSL_read($0, raw.baseAddress, Int32(raw.count))) } ?? csys_recv(descriptor, raw.baseAddress, raw.count)
        }
        if tls == nil, count == -Int(EAGAIN) { throw SystemFailure("nothing came within half a minute") }
        guard count > 0 else { return false }
        received += chunk[..<count]
        return true
    }

    private func take(_ count: Int) throws -> [UInt8] {
        while received.count < count {
            guard try receive() else { throw SystemFailure("closed after \(received.count) of \(count) bytes") }
        }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    private func take(through mark: String) throws -> [UInt8] {
        let mark = Array(mark.utf8)
        while true {
            if let end = received.firstRange(of: mark)?.upperBound { return try take(end) }
            guard try receive() else { throw SystemFailure("closed before an answer") }
        }
    }

    private func takeChunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = String(decoding: try take(through: "\r\n").dropLast(2), as: UTF8.self)
            guard let size = Int(line, radix: 16) else { throw SystemFailure("chunk size \(line)") }
            body += try take(size)
            _ = try take(2)
            if size == 0 { return body }
        }
    }

    // MARK: TLS

    private func startTLS() throws {
        let context = csys_tls_client_context(0)
        defer { SSL_CTX_free(context) }
        tls = SSL_new(context)
        SSL_set_fd(tls, descriptor)
        guard SSL_connect(tls) == 1 else { throw SystemFailure("TLS handshake") }
    }

    /// The subject's common name of the server's certificate.
    package var serverName: String {
        guard let certificate = tls.flatMap({ SSL_get1_peer_certificate($0) }) else { return "" }
        defer { X509_free(certificate) }
        var text = [CChar](repeating: 0, count: 256)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, &text, 256)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }
}
