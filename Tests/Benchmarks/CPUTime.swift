import Glibc

/// The process's own CPU time, which other programs on the machine hardly change.
enum CPUTime {
    /// What `work` takes, in microseconds.
    static func microseconds(_ work: () -> Void) -> Double {
        let start = now
        work()
        return now - start
    }

    /// `total` over `count`, with two digits behind the point.
    static func rounded(_ total: Double, over count: Int) -> Double {
        (total / Double(max(1, count)) * 100).rounded() / 100
    }

    /// Microseconds of CPU so far.
    static var now: Double {
        var time = timespec()
        clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &time)
        return Double(time.tv_sec) * 1e6 + Double(time.tv_nsec) / 1e3
    }
}
