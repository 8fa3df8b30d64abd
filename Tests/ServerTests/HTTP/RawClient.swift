import CSystem
import Glibc
import Network

@testable import HTTPServer

/// A blocking client that sends exactly the bytes it is told to. Every read ends after ten seconds, as a failure.
final class RawClient {
    struct Failure: Error { var what: String }

    /// An answer as it came over the wire.
    struct Answer {
        var head = ""
        var body: [UInt8] = []
        var status: Int { Int(head.split(separator: " ").dropFirst().first ?? "") ?? 0 }
        var text: String { String(decoding: body, as: UTF8.self) }

        func header(_ name: String) -> String? {
            for line in head.split(separator: "\r\n").dropFirst() {
                guard let colon = line.firstIndex(of: ":"), line[..<colon].lowercased() == name.lowercased() else { continue }
                return String(line[line.index(after: colon)...].drop { $0 == " " })
            }
            return nil
        }
    }

    let descriptor: Int32
    private var tls: OpaquePointer?
    private var received: [UInt8] = []

    init(_ address: SocketAddress, receiveBuffer: Int32? = nil) throws {
        descriptor = socket(address.ip.isV4 ? AF_INET : AF_INET6, Int32(SOCK_STREAM.rawValue), 0)
        var patience = timeval(tv_sec: 10, tv_usec: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &patience, socklen_t(MemoryLayout<timeval>.size))
        if var size = receiveBuffer { setsockopt(descriptor, SOL_SOCKET, SO_RCVBUF, &size, 4) }
        var system = address.system
        guard csys_connect(descriptor, &system) == 0 else { throw Failure(what: "connect: \(errno)") }
        _ = csys_no_delay(descriptor)
    }

    deinit {
        if let tls { SSL_free(tls) }
        if isOpen { Glibc.close(descriptor) }
    }

    private var isOpen = true

    /// Closes as a client does that goes away.
    func close() {
        isOpen = false
        Glibc.close(descriptor)
    }

    /// Closes with a reset, which the server sees at once and in both directions.
    func reset() throws {
        var hard = linger(l_onoff: 1, l_linger: 0)
        setsockopt(descriptor, SOL_SOCKET, SO_LINGER, &hard, socklen_t(MemoryLayout<linger>.size))
        close()
    }

    /// Ends the sending side only.
    func endSending() { shutdown(descriptor, Int32(SHUT_WR)) }

    /// Begins TLS of one version over the connection.
    func startTLS(_ version: Int32, session: OpaquePointer? = nil) throws {
        let context = csys_tls_client_context(version)
        defer { SSL_CTX_free(context) }
        let stream = SSL_new(context)
        tls = stream
        SSL_set_fd(stream, descriptor)
        if let session { SSL_set_session(stream, session) }
        guard SSL_connect(stream) == 1 else { throw Failure(what: "handshake") }
    }

    var tlsVersion: String { tls.map { String(cString: SSL_get_version($0)) } ?? "" }
    var wasResumed: Bool { tls.map { SSL_session_reused($0) == 1 } ?? false }
    /// To be freed by the caller.
    func takeSession() -> OpaquePointer? { tls.flatMap { SSL_get1_session($0) } }
    /// The subject's common name of the server's certificate.
    var serverName: String {
        guard let certificate = tls.flatMap({ SSL_get1_peer_certificate($0) }) else { return "" }
        defer { X509_free(certificate) }
        var text = [CChar](repeating: 0, count: 256)
        X509_NAME_get_text_by_NID(X509_get_subject_name(certificate), NID_commonName, &text, 256)
        return String(decoding: text.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
    }

    func send(_ text: String) throws { try send(Array(text.utf8)) }

    func send(_ bytes: [UInt8]) throws {
        var sent = 0
        while sent < bytes.count {
            let count = bytes[sent...].withUnsafeBytes { raw in
                tls.map { Int(SSL_write($0, raw.baseAddress, Int32(raw.count))) }
                    ?? csys_send(descriptor, raw.baseAddress, raw.count)
            }
            guard count > 0 else { throw Failure(what: "send: \(count)") }
            sent += count
        }
    }

    /// Reads once; false at the end of the stream or after a reset.
    private func receive() throws -> Bool {
        var chunk = [UInt8](repeating: 0, count: 64 * 1024)
        let count = chunk.withUnsafeMutableBytes { raw in
            tls.map { Int(SSL_read($0, raw.baseAddress, Int32(raw.count))) } ?? csys_recv(descriptor, raw.baseAddress, raw.count)
        }
        if tls == nil, count == -Int(EAGAIN) { throw Failure(what: "nothing came within ten seconds") }
        guard count > 0 else { return false }
        received += chunk[..<count]
        return true
    }

    /// Everything until the server closes.
    func readToEnd() throws -> String {
        while try receive() {}
        defer { received = [] }
        return String(decoding: received, as: UTF8.self)
    }

    /// Reads one answer; its body by Content-Length, chunked, or none for `head`.
    func readAnswer(toHead: Bool = false) throws -> Answer {
        var answer = Answer()
        answer.head = String(decoding: try take(through: "\r\n\r\n"), as: UTF8.self)
        if toHead || answer.status < 200 { return answer }
        if answer.header("Transfer-Encoding") == "chunked" {
            answer.body = try takeChunks()
        } else {
            answer.body = try take(Int(answer.header("Content-Length") ?? "0") ?? 0)
        }
        return answer
    }

    func take(_ count: Int) throws -> [UInt8] {
        while received.count < count {
            guard try receive() else { throw Failure(what: "closed after \(received.count) of \(count) bytes") }
        }
        defer { received.removeFirst(count) }
        return Array(received[..<count])
    }

    private func takeChunks() throws -> [UInt8] {
        var body: [UInt8] = []
        while true {
            let line = String(decoding: try take(through: "\r\n").dropLast(2), as: UTF8.self)
            guard let size = Int(line, radix: 16) else { throw Failure(what: "chunk size \(line)") }
            body += try take(size)
            _ = try take(2)
            if size == 0 { return body }
        }
    }

    private func take(through mark: String) throws -> [UInt8] {
        let mark = Array(mark.utf8)
        while true {
            if let end = received.firstRange(of: mark)?.upperBound { return try take(end) }
            guard try receive() else { throw Failure(what: "closed before \(mark)") }
        }
    }

    /// One request on a connection of its own.
    static func ask(_ address: SocketAddress, _ request: String) throws -> Answer { try RawClient(address).exchange(request) }

    /// What the server says of itself on a fresh connection until it closes.
    static func readAll(from address: SocketAddress) throws -> String { try RawClient(address).readToEnd() }

    /// Sends a request and reads its answer.
    func exchange(_ request: String, toHead: Bool = false) throws -> Answer {
        try send(request)
        return try readAnswer(toHead: toHead)
    }
}
