import CSystem
import Connector
import Glibc
import Network

/// One task's wait: to read, or for its bytes to leave.
struct StreamWait: Sendable {
    typealias Answer = Result<[UInt8], StreamFailure>

    var ticket: UInt64
    var deadline: MonotonicInstant
    var continuation: CheckedContinuation<Answer, Never>
    /// What a writer still has to send, and from where on.
    var bytes: [UInt8] = []
    var sent = 0
}

/// What lies behind a stream's lock. Does whatever can be done without waiting.
///
/// `@unchecked Sendable`: the TLS session is nobody else's from here on.
struct StreamState: @unchecked Sendable {
    private enum Ending {
        case ended, broken
    }

    private let place: String
    private let engine: StreamEngine
    private let unreadLimit: Int
    private let readLimit: Int

    /// -1 once closed.
    private(set) var descriptor: Int32
    private var tls: TLSStream?
    private(set) var generation: UInt32 = 0
    private var scratch = [UInt8](repeating: 0, count: 64 << 10)
    private var unread: [UInt8] = []
    private var ending: Ending?
    /// A write was given up with a part of it gone: what would follow is no sense.
    private var isTorn = false

    var reader: StreamWait?
    var writer: StreamWait?
    private var tickets: UInt64 = 0
    /// The newest ones that were cancelled, perhaps before they began to wait.
    var cancelledReading: UInt64 = 0
    var cancelledWriting: UInt64 = 0

    /// What the socket is watched for, once.
    private var armed: ReadyEvents = []
    private var readNeeds = ReadyEvents.readable
    private var writeNeeds = ReadyEvents.writable
    /// Nobody reads, and the loop is to say when there is something.
    private var wantsReadAhead = true
    /// So much is unread that nothing more is taken.
    private var isHeld = false
    /// The loop will look again soon.
    var isLookingAgain = false

    /// When the loop's timer fires, or has been asked to.
    var alarm: MonotonicInstant?
    var timer: TimerID?

    init(
        _ descriptor: Int32, _ tls: TLSStream?, place: String, _ configuration: SystemStreamsConfiguration, _ engine: StreamEngine
    ) {
        self.place = place
        self.engine = engine
        self.descriptor = descriptor
        self.tls = tls
        unreadLimit = max(1, configuration.unreadLimit)
        readLimit = max(1, configuration.readLimit)
    }

    var isClosed: Bool { descriptor < 0 }

    func failure(_ code: StreamFailure.Code, _ reason: String) -> StreamFailure { StreamFailure(code, at: place, reason) }

    mutating func takeTicket() -> UInt64 {
        tickets += 1
        return tickets
    }

    /// On the loop: begins to be watched. False where the system refuses.
    mutating func begin(generation: UInt32) -> Bool {
        self.generation = generation
        armed = .readable
        return engine.loop.register(
            descriptor, [.readable, .once], source: engine.place, slot: UInt32(descriptor), generation: generation)
    }

    // MARK: Reading

    /// What a reader can have at once; nil where he must wait.
    mutating func take() -> StreamWait.Answer? {
        if unread.isEmpty { receive() }
        guard unread.isEmpty else {
            var taken: [UInt8] = []
            swap(&taken, &unread)
            if isHeld { resumeReadingAhead() }
            return .success(taken)
        }
        guard !isClosed else { return .failure(failure(.ended, "closed")) }
        switch ending {
        case .ended: return .success([])
        case .broken: return .failure(failure(.ended, "the connection was cut"))
        case nil: return nil
        }
    }

    private mutating func resumeReadingAhead() {
        isHeld = false
        wantsReadAhead = true
        arm()
    }

    /// Takes what the socket has, within the bounds; false where that was all.
    @discardableResult
    private mutating func receive() -> Bool {
        var room = min(readLimit, unreadLimit - unread.count)
        while room > 0, !isClosed, ending == nil {
            let wanted = min(scratch.count, room)
            switch receive(atMost: wanted) {
            case .bytes(let count):
                unread.append(contentsOf: scratch[..<count])
                room -= count
                // A socket that gave less has no more; of TLS only the library knows.
                if tls == nil, count < wanted { return false }
            case .wouldBlock:
                readNeeds = tls?.wantsToWrite == true ? .writable : .readable
                return false
            case .ended: ending = .ended
            case .failed: ending = .broken
            }
        }
        return room <= 0
    }

    private mutating func receive(atMost count: Int) -> IOOutcome {
        let (tls, descriptor) = (tls, descriptor)
        if tls != nil { csys_block_pipe_signal() }
        return scratch.withUnsafeMutableBytes { buffer in
            let room = UnsafeMutableRawBufferPointer(rebasing: buffer[..<count])
            return tls?.receive(into: room) ?? TCPSocket.receive(descriptor, into: room)
        }
    }

    /// On the loop, while nobody waits to read: takes what is there. True where the loop should look again soon.
    mutating func readAhead() -> Bool {
        guard !isClosed, ending == nil, !isHeld else { return false }
        let before = unread.count
        let isMore = receive()
        guard ending == nil else { return false }
        isHeld = unread.count >= unreadLimit
        guard !isHeld else { return false }
        guard isMore || unread.count > before else {
            wantsReadAhead = true
            return false
        }
        return true
    }

    // MARK: Writing

    /// Sends from `sent` on as much as goes; nil where the rest must wait.
    mutating func send(_ bytes: [UInt8], from sent: inout Int) -> StreamWait.Answer? {
        guard !isClosed else { return .failure(failure(.ended, "closed")) }
        guard !isTorn else { return .failure(failure(.ended, "an earlier write was given up half-way")) }
        while sent < bytes.count {
            switch sendOnce(bytes, from: sent) {
            case .bytes(let count): sent += count
            case .wouldBlock:
                writeNeeds = tls.map { $0.wantsToWrite ? .writable : .readable } ?? .writable
                return nil
            case .ended, .failed:
                isTorn = true
                return .failure(failure(.ended, "the connection was cut"))
            }
        }
        return .success([])
    }

    private func sendOnce(_ bytes: [UInt8], from start: Int) -> IOOutcome {
        if tls != nil { csys_block_pipe_signal() }
        return bytes.withUnsafeBytes { buffer in
            let rest = UnsafeRawBufferPointer(rebasing: buffer[start...])
            return tls?.send(rest) ?? TCPSocket.send(descriptor, rest)
        }
    }

    /// Goes on with a waiting writer; his answer, where he has come to an end.
    mutating func continueWriting() -> StreamWait.Answer? {
        guard var wait = writer else { return nil }
        writer = nil
        let answer = send(wait.bytes, from: &wait.sent)
        if answer == nil { writer = wait }
        return answer
    }

    /// Gives a write up. With TLS even what has not left is bound to be sent as it is.
    mutating func giveUpWriting() -> StreamWait? {
        guard let wait = writer.take() else { return nil }
        if wait.sent > 0 || tls != nil { isTorn = true }
        return wait
    }

    // MARK: Watching

    /// An event has come, and with it the watching has ended.
    mutating func disarm() {
        armed = []
        wantsReadAhead = false
    }

    /// Watches for what somebody waits for, unless that is done already.
    mutating func arm() {
        guard !isClosed else { return }
        var wanted: ReadyEvents = []
        if ending == nil, reader != nil || wantsReadAhead { wanted.formUnion(readNeeds) }
        if writer != nil { wanted.formUnion(writeNeeds) }
        guard !armed.isSuperset(of: wanted) else { return }
        armed.formUnion(wanted)
        engine.loop.arm(
            descriptor, armed.union(.once), source: engine.place, slot: UInt32(descriptor), generation: generation)
    }

    /// When the first of those who wait must be told that it is late.
    var nextDeadline: MonotonicInstant? { [reader?.deadline, writer?.deadline].compactMap(\.self).min() }

    // MARK: Ending

    /// Closes the socket.
    /// - Returns: the slot it had; nil where it was closed before.
    mutating func close() -> UInt32? {
        guard !isClosed else { return nil }
        let slot = UInt32(descriptor)
        if let tls {
            csys_block_pipe_signal()
            tls.end()
        }
        tls = nil
        Glibc.close(descriptor)
        descriptor = -1
        unread = []
        return slot
    }
}
