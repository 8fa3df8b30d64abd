import Glibc

/// The process's own CPU time, which other programs on the machine hardly change.
enum CPUTime {
    /// What `work` takes, in microseconds.
    static func microseconds(_ work: () -> Void) -> Double {
        let start = ofProcess
        work()
        return ofProcess - start
    }

    /// `total` over `count`, with two digits behind the point.
    static func rounded(_ total: Double, over count: Int) -> Double {
        (total / Double(max(1, count)) * 100).rounded() / 100
    }

    /// In microseconds, since the process began.
    static var ofProcess: Double { read(CLOCK_PROCESS_CPUTIME_ID) }

    /// In microseconds, of the thread that asks.
    static var ofThread: Double { read(CLOCK_THREAD_CPUTIME_ID) }

    private static func read(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }
}
