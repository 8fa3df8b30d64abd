import CSystem
import Network
import Threading

/// Signals as an asynchronous sequence.
///
/// Caught by a handler, on whichever thread they come: blocking them for a thread that waits would need every thread of the
/// process to block them, and the runtime's were there first.
enum Signals {
    /// `signals` as they come from now on; none is lost before somebody listens.
    /// - Throws: `NetworkError` where the system gives no pipe.
    static func stream(_ signals: [Int32]) throws -> AsyncStream<Int32> {
        let pipe = csys_signal_pipe(signals, Int32(signals.count))
        guard pipe >= 0 else { throw NetworkError(.loop, "signals", errno: -pipe, hint: "raise the limit of open files") }
        let (stream, continuation) = AsyncStream<Int32>.makeStream()
        _ = try SystemThread(named: "signals") {
            var signal: UInt8 = 0
            while read(pipe, &signal, 1) == 1 { continuation.yield(Int32(signal)) }
            continuation.finish()
        }
        return stream
    }
}
