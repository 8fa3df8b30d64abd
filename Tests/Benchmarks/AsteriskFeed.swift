import Connector
import Synchronization
import TestSupport
import VendorSimulators

/// What the manager interface of a busy Asterisk sends to one who is logged in: the events of many calls, each piece as it became due.
struct AsteriskStream: Sendable {
    struct Piece: Sendable {
        let at: Instant
        let bytes: [UInt8]
    }

    static let user = AsteriskOptions.User(name: "gateway", secret: "bench-secret")

    private(set) var pieces: [Piece] = []
    private(set) var eventCount = 0
    private(set) var callCount = 0

    /// - Parameters:
    ///   - calls: of all kinds, beginning one after another.
    ///   - rate: how many begin in a second; nil begins all at once.
    ///   - span: how long it is listened to; nil for until the last call is over.
    init(_ scenarios: [Scenario] = AsteriskDouble.scenarios, calls: Int, rate: Double?, span: Duration? = nil) {
        var double = AsteriskDouble(AsteriskOptions(users: [Self.user]), seed: 5, at: .base)
        guard case .taken(let session) = double.connect(at: .base) else { return }
        let actions = [
            "Action: Login\r\nUsername: \(Self.user.name)\r\nSecret: \(Self.user.secret)\r\n\r\n",
            "Action: Events\r\nEventMask: system,call,agent,user,dtmf\r\n\r\n",
        ]
        for action in actions { double.receive(Array(action.utf8), from: session, at: .base) }
        _ = double.takeOutput()
        let plan = DoublePlan(scenarios, calls: calls, rate: rate, seed: 5)
        var begun = 0
        while true {
            let beginning = begun < calls ? Instant.base.advanced(by: plan.beginning(of: begun)) : nil
            guard let due = [beginning, double.nextDue].compactMap(\.self).min() else { break }
            if let span, due > Instant.base.advanced(by: span) { break }
            if due == beginning {
                let call = plan.call(begun)
                double.begin(call.scenario, seed: call.seed, at: due)
                begun += 1
            } else {
                double.advance(to: due)
            }
            take(double.takeOutput(), at: due)
            callCount += double.takeTruths().count
        }
    }

    private mutating func take(_ output: [AsteriskDouble.Output], at moment: Instant) {
        eventCount += output.count { !$0.isClose }
        let bytes = output.flatMap(\.bytes)
        if !bytes.isEmpty { pieces.append(Piece(at: moment, bytes: bytes)) }
    }

    /// The same, cut as a socket hands over what has piled up.
    func cut(by size: Int) -> [Piece] {
        var whole: [Piece] = []
        var waiting: [UInt8] = []
        for piece in pieces {
            waiting += piece.bytes
            while waiting.count >= size {
                whole.append(Piece(at: piece.at, bytes: Array(waiting.prefix(size))))
                waiting.removeFirst(size)
            }
        }
        if let last = pieces.last, !waiting.isEmpty { whole.append(Piece(at: last.at, bytes: waiting)) }
        return whole
    }
}

/// A manager interface in memory, which says yes to whoever logs in, then plays its pieces as fast as they are taken.
final class AsteriskFeed: ByteStreams, ByteStream, Timekeeper {
    fileprivate struct State {
        var answers: [UInt8] = Array("Asterisk Call Manager/11.0.0\r\n".utf8)
        var next = 0
        var now = Instant.base
        /// The client has asked all that it asks at the beginning.
        var isPlaying = false
        var onEnd: CheckedContinuation<Void, Never>?
    }

    private let pieces: [AsteriskStream.Piece]
    private let pace: Duration?
    private let state = Mutex(State())

    /// - Parameter pace: how long each piece is in coming.
    init(_ pieces: [AsteriskStream.Piece], pace: Duration? = nil) {
        self.pieces = pieces
        self.pace = pace
    }

    func now() -> Instant { state.withLock { $0.now } }

    /// Waits until the last piece is taken.
    func waitForEnd() async {
        await withCheckedContinuation { done in
            let isOver = state.withLock { state in
                if state.next < pieces.count { state.onEnd = done }
                return state.next >= pieces.count
            }
            if isOver { done.resume() }
        }
    }

    func open(_ address: StreamAddress, within patience: Duration) async throws(StreamFailure) -> any ByteStream { self }

    func read(within patience: Duration) async throws(StreamFailure) -> [UInt8] {
        while true {
            let (bytes, done) = state.withLock { $0.take(from: pieces) }
            done?.resume()
            if let bytes, pace == nil { return bytes }
            do {
                try await Task.sleep(for: pace ?? .milliseconds(1))
            } catch {
                throw StreamFailure(.cancelled, at: "bench", "cancelled")
            }
            if let bytes { return bytes }
        }
    }

    func write(_ bytes: [UInt8], within patience: Duration) async throws(StreamFailure) {
        let actions = String(decoding: bytes, as: UTF8.self).split(separator: "\r\n\r\n")
        state.withLock { state in
            for action in actions { state.answer(action.split(separator: "\r\n").map(String.init)) }
        }
    }

    func close() {}
}

extension AsteriskFeed.State {
    fileprivate mutating func take(from pieces: [AsteriskStream.Piece]) -> ([UInt8]?, CheckedContinuation<Void, Never>?) {
        if !answers.isEmpty {
            defer { answers = [] }
            return (answers, nil)
        }
        guard isPlaying, next < pieces.count else {
            guard isPlaying else { return (nil, nil) }
            defer { onEnd = nil }
            return (nil, onEnd)
        }
        now = pieces[next].at
        next += 1
        return (pieces[next - 1].bytes, nil)
    }

    fileprivate mutating func answer(_ lines: [String]) {
        let id = lines.first { $0.hasPrefix("ActionID: ") } ?? ""
        let name = lines.first?.dropFirst("Action: ".count) ?? ""
        var answer = "Response: Success\r\n\(id)\r\n"
        switch name {
        case "Challenge": answer += "Challenge: 123\r\n"
        case "CoreShowChannels", "DeviceStateList":
            answer += "EventList: start\r\n\r\nEvent: \(name)Complete\r\n\(id)\r\nEventList: Complete\r\nListItems: 0\r\n"
        default: break
        }
        if name == "Login" { answer += "\r\nEvent: FullyBooted\r\nPrivilege: system,all\r\nUptime: 86400\r\n" }
        answers += Array("\(answer)\r\n".utf8)
        isPlaying = isPlaying || name == "DeviceStateList"
    }
}
