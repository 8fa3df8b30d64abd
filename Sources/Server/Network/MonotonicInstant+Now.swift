import CSystem

extension MonotonicInstant {
    /// Reads the clock (CLOCK_MONOTONIC). On a loop prefer `EventLoop.now`, which is read once a turn.
    package static var now: MonotonicInstant { MonotonicInstant(nanoseconds: csys_monotonic()) }
}
