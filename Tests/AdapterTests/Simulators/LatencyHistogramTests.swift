import Testing
import VendorSimulators

struct LatencyHistogramTests {
    @Test(arguments: [0.0, 0.5, 0.9, 0.99, 1])
    func `a percentile is at most three percent too high, and never too low`(share: Double) {
        var histogram = LatencyHistogram()
        for number in 1...10_000 { histogram.record(.microseconds(number * 17)) }
        let exact = Duration.microseconds(max(1, Int((share * 10_000).rounded(.up))) * 17)
        let found = histogram.percentile(share)
        #expect(found >= exact)
        #expect(found <= exact + exact / 32)
    }

    @Test func `nothing recorded is zero`() {
        #expect(LatencyHistogram().percentile(0.99) == .zero)
        #expect(LatencyHistogram().maximum == .zero)
    }

    @Test(arguments: [Duration.seconds(-5), .zero, .seconds(3600), .seconds(Int64.max)])
    func `no duration is too odd`(duration: Duration) {
        var histogram = LatencyHistogram()
        histogram.record(duration)
        #expect(histogram.count == 1)
        #expect(histogram.percentile(1) <= .seconds(3700))
    }
}
