import CSystem
import Network

/// One connection: a trivial struct in raw memory of its loop, without reference counting.
struct Connection {
    /// Where it stands between accept and close.
    enum Phase: UInt8 {
        /// The slot is empty.
        case free
        case handshake
        /// Between requests, nothing of the next one has come.
        case idle
        case head
        case body
        /// A direct worker owes the answer.
        case deferred
        /// The client has gone or was given up while a direct worker owes the answer: the bytes stay until it comes.
        case orphaned
        /// An asynchronous handler owes the answer.
        case handling
        /// A handler writes a streamed body.
        case streaming
        /// The last answer is on its way; then the connection ends.
        case finishing
        /// Refused: what still comes is thrown away, so that the client sees the answer and no reset.
        case lingering
    }

    struct Flags: OptionSet {
        let rawValue: UInt16
        /// The socket may have bytes: epoll said so, and reading has not shown the opposite.
        static let readable = Flags(rawValue: 1)
        /// The peer has ended its sending side.
        static let peerEnded = Flags(rawValue: 2)
        static let keepsAlive = Flags(rawValue: 4)
        static let isHead = Flags(rawValue: 8)
        static let isHTTP10 = Flags(rawValue: 16)
        /// In the list of connections to go on with at the end of the turn.
        static let isQueued = Flags(rawValue: 32)
        static let isChunked = Flags(rawValue: 64)
        /// The answer ends the connection and something of the request may be unread.
        static let lingers = Flags(rawValue: 128)
        static let isIdleListed = Flags(rawValue: 256)
        /// OpenSSL held more bytes of the socket after the last read.
        static let tlsPending = Flags(rawValue: 512)
    }

    static let none: UInt32 = .max

    let slot: UInt32
    var generation: UInt32 = 0
    var descriptor: Int32 = -1
    var phase = Phase.free
    var flags: Flags = []
    var peer = SocketAddress(.loopbackV4, port: 0)
    var tls: TLSStream?

    var input = RawBuffer()
    var output = RawBuffer()
    /// How far the head has been looked at.
    var scanned = 0
    var headLength = 0
    /// The announced or, once a chunked body is whole, decoded length.
    var bodyLength = 0
    var bodyLimit = 0
    var chunks = ChunkedBody()
    /// Head and raw body of the request being answered; dropped from the input when it has been.
    var requestLength = 0
    var bodyStartedAt = MonotonicInstant(nanoseconds: 0)

    /// Bytes of a measured body that are still to be written; `nil` where a stream has no announced length.
    var owedBytes: Int?
    var exchange: Unmanaged<AsyncExchange>?
    var idlePrevious = Connection.none
    var idleNext = Connection.none

    init(slot: UInt32) { self.slot = slot }
}

typealias ConnectionPointer = UnsafeMutablePointer<Connection>

/// The connections of one loop, in chunks of raw memory that never move, and the deadline of each in an array of its own.
struct ConnectionSlab: ~Copyable {
    private static let chunkSize = 256
    private var chunks: [ConnectionPointer] = []
    private var freeSlots: [UInt32] = []
    /// By slot; what the sweep reads.
    var deadlines: [MonotonicInstant] = []
    private(set) var openCount = 0
    /// Slots in use, those of orphans included.
    var usedCount: Int { deadlines.count - freeSlots.count }

    deinit {
        for chunk in chunks {
            chunk.deinitialize(count: Self.chunkSize)
            chunk.deallocate()
        }
    }

    var slots: Range<UInt32> { 0..<UInt32(deadlines.count) }

    /// The connection at a slot that exists.
    subscript(slot: UInt32) -> ConnectionPointer {
        chunks[Int(slot) / Self.chunkSize] + Int(slot) % Self.chunkSize
    }

    /// The open connection that a token or an event means, unless it has ended.
    func find(_ slot: UInt32, _ generation: UInt32) -> ConnectionPointer? {
        guard Int(slot) < deadlines.count else { return nil }
        let connection = self[slot]
        return connection.pointee.generation == generation && connection.pointee.phase != .free ? connection : nil
    }

    mutating func open() -> ConnectionPointer {
        if freeSlots.isEmpty { grow() }
        openCount += 1
        return self[freeSlots.removeLast()]
    }

    /// Notes that a connection's socket is closed; its slot may be released later.
    mutating func noteClosed() { openCount -= 1 }

    mutating func release(_ connection: ConnectionPointer) {
        let slot = connection.pointee.slot
        let generation = (connection.pointee.generation &+ 1) & 0x0FFF_FFFF
        connection.pointee = Connection(slot: slot)
        connection.pointee.generation = generation
        deadlines[Int(slot)] = .distantFuture
        freeSlots.append(slot)
    }

    private mutating func grow() {
        let chunk = ConnectionPointer.allocate(capacity: Self.chunkSize)
        let first = UInt32(deadlines.count)
        for index in 0..<UInt32(Self.chunkSize) { (chunk + Int(index)).initialize(to: Connection(slot: first + index)) }
        chunks.append(chunk)
        deadlines.append(contentsOf: repeatElement(.distantFuture, count: Self.chunkSize))
        freeSlots.append(contentsOf: (first..<first + UInt32(Self.chunkSize)).reversed())
    }
}
