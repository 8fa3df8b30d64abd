import CSystem
import Glibc
import Connector
import Network
import Threading

/// `DATA/admin.sock`: lets the command line ask the running gateway. Rights for its owner alone; one line in, one line out.
final class AdminSocket: Sendable {
    private static let requestLimit = 64 << 10
    private static let answerLimit = 64 << 20

    private let path: String
    private let listener: Int32

    /// - Throws: `NetworkError` where the socket cannot be made.
    init(house: House) throws {
        path = Self.path(in: house.settings.data)
        unlink(path)
        listener = try Self.openSocket(path) { descriptor, address, length in
            let mask = umask(0o177)
            defer { umask(mask) }
            return bind(descriptor, address, length) == 0 && listen(descriptor, 4) == 0
        }
        let listener = listener
        let service = AdminService(house: house)
        _ = try SystemThread(named: "admin") {
            while true {
                let client = accept(listener, nil, nil)
                guard client >= 0 else {
                    guard Self.mayAcceptAgain() else { return }
                    continue
                }
                Self.limitWaiting(client, to: .seconds(5))
                let request = Self.readLine(client, upTo: Self.requestLimit)
                Task {
                    Self.writeLine(await service.answer(request), to: client)
                    Glibc.close(client)
                }
            }
        }
    }

    func close() {
        shutdown(listener, Int32(SHUT_RDWR))
        Glibc.close(listener)
        unlink(path)
    }

    /// After a failed accept: whether the socket is still there. Where descriptors are short, waits for others to give some back.
    private static func mayAcceptAgain() -> Bool {
        switch errno {
        case EINTR, ECONNABORTED: return true
        case EMFILE, ENFILE, ENOBUFS, ENOMEM:
            poll(nil, 0, 100)
            return true
        default: return false
        }
    }

    // MARK: Asking

    /// Asks the gateway that runs on `data`.
    /// - Parameter patience: how long it may say nothing.
    /// - Returns: `nil` where none runs.
    /// - Throws: `NetworkError` with `EACCES` where this user may not ask, `AdminError` where the gateway does not answer.
    static func ask(_ request: JSONValue, data: String, patience: Duration = .seconds(30)) throws -> JSONValue? {
        let descriptor: Int32
        do {
            descriptor = try openSocket(path(in: data)) {
                limitWaiting($0, to: patience)
                return connect($0, $1, $2) == 0
            }
        } catch let error as NetworkError where error.isAbsent {
            return nil
        } catch let error as NetworkError where error.errno == EAGAIN {
            throw AdminError("the gateway runs, but takes no more requests of its command line")
        }
        defer { Glibc.close(descriptor) }
        writeLine(request.encoded, to: descriptor)
        let answer = readLine(descriptor, upTo: answerLimit)
        guard answer.last == UInt8(ascii: "\n") else {
            let isLate = errno == EAGAIN
            throw AdminError(
                isLate
                    ? "the gateway runs, but gave no answer in \(patience.components.seconds) seconds"
                    : "the gateway closed the connection without an answer")
        }
        return try JSONValue(parsing: answer)
    }

    private static func path(in data: String) -> String { data + "/admin.sock" }

    private static func openSocket(
        _ path: String, _ use: (Int32, UnsafePointer<sockaddr>, socklen_t) -> Bool
    ) throws -> Int32 {
        var address = sockaddr_un()
        address.sun_family = sa_family_t(AF_UNIX)
        let capacity = MemoryLayout.size(ofValue: address.sun_path) - 1
        guard path.utf8.count <= capacity else {
            throw NetworkError(.listen, path, errno: ENAMETOOLONG, hint: "choose a shorter data folder")
        }
        withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
        let descriptor = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
        let isReady = withUnsafePointer(to: &address) {
            $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
                use(descriptor, $0, socklen_t(MemoryLayout<sockaddr_un>.size))
            }
        }
        guard descriptor >= 0, isReady else {
            let reason = errno
            if descriptor >= 0 { Glibc.close(descriptor) }
            throw NetworkError(.listen, path, errno: reason, hint: "only the gateway's own user may use its data folder")
        }
        return descriptor
    }

    // MARK: Lines

    /// For each connect, read and write: then they fail with `EAGAIN`.
    private static func limitWaiting(_ descriptor: Int32, to patience: Duration) {
        var limit = timeval(tv_sec: Int(patience.components.seconds), tv_usec: 0)
        for option in [SO_RCVTIMEO, SO_SNDTIMEO] {
            setsockopt(descriptor, SOL_SOCKET, option, &limit, socklen_t(MemoryLayout<timeval>.size))
        }
    }

    /// A line with its end; without it where the other side ended before, or (`errno` is `EAGAIN`) said nothing for too long.
    private static func readLine(_ descriptor: Int32, upTo limit: Int) -> [UInt8] {
        var line: [UInt8] = []
        var buffer = [UInt8](repeating: 0, count: 4096)
        while line.count < limit {
            errno = 0
            let count = recv(descriptor, &buffer, buffer.count, 0)
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { return line }
            line.append(contentsOf: buffer[..<count])
            if line.last == UInt8(ascii: "\n") { return line }
        }
        return []
    }

    private static func writeLine(_ bytes: [UInt8], to descriptor: Int32) {
        var rest = (bytes + [UInt8(ascii: "\n")])[...]
        while !rest.isEmpty {
            let count = rest.withUnsafeBytes { send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
            guard count > 0 else { return }
            rest = rest.dropFirst(count)
        }
    }
}

extension NetworkError {
    /// Nothing is there, or nobody listens there any more.
    fileprivate var isAbsent: Bool { errno == ENOENT || errno == ECONNREFUSED }
}
