import Connector
import Synchronization

/// A clock that a test moves by hand.
package final class ManualClock: Timekeeper {
    private let present: Mutex<Instant>

    package init(_ start: Instant = Instant(unixSeconds: 1_772_442_000)) { present = Mutex(start) }

    package func now() -> Instant { present.withLock { $0 } }

    package func advance(by duration: Duration) { present.withLock { $0 = $0.advanced(by: duration) } }
}
