/// Timers, to the millisecond. All of these on the loop's thread, or before `start()`.
extension EventLoop {
    /// Runs `work` once, `delay` from the present turn, at the earliest one millisecond on.
    @discardableResult
    package func schedule(after delay: Duration, _ work: @escaping () -> Void) -> TimerID {
        let due = now.advanced(by: delay).nanoseconds
        return wheel.insert(work, due: due / 1_000_000 + (due % 1_000_000 > 0 ? 1 : 0))
    }

    /// Takes a timer back; false if it has fired or was cancelled before.
    @discardableResult
    package func cancel(_ timer: TimerID) -> Bool { wheel.cancel(timer) }
}
