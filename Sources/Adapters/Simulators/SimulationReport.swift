import Connector

/// The outcome of a simulation, for a person or a program.
package struct SimulationReport: Sendable {
    package var tally: SimulationTally
    package var duration: Duration

    package init(_ tally: SimulationTally, duration: Duration) {
        self.tally = tally
        self.duration = duration
    }

    /// Every request was answered as the vendor expects, and there was one.
    package var isGood: Bool { tally.accepted == tally.requests && tally.requests > 0 }

    /// Requests a second over the whole time.
    package var requestRate: Double {
        let seconds = duration / .seconds(1)
        return seconds > 0 ? Double(tally.requests) / seconds : 0
    }

    /// One line of how far it is.
    package var progressLine: String {
        "\(tally.requests) requests of \(tally.calls) calls, \(tally.unexpected) unexpected, \(tally.failed) unanswered, "
            + "\(Self.rounded(requestRate))/s"
    }

    /// Some lines for a person, without a line end.
    package var text: String {
        let latency = tally.latency
        let percentiles = [("p50", 0.5), ("p90", 0.9), ("p99", 0.99), ("p99.9", 0.999)]
            .map { "\($0.0) \(Self.rounded(Self.milliseconds(latency.percentile($0.1))))" }.joined(separator: ", ")
        let statuses = tally.statuses.sorted { $0.key < $1.key }.map { "\($0.value) × \($0.key)" }.joined(separator: ", ")
        let lines = [
            "requests     \(tally.requests) of \(tally.calls) calls in \(Self.rounded(duration / .seconds(1))) s, "
                + "\(Self.rounded(requestRate))/s",
            "as expected  \(tally.accepted)", "unexpected   \(tally.unexpected)", "unanswered   \(tally.failed)",
            "statuses     \(statuses.isEmpty ? "none" : statuses)",
            "latency ms   \(percentiles), max \(Self.rounded(Self.milliseconds(latency.maximum)))",
        ]
        return (lines + tally.samples.map { "  \($0)" }).joined(separator: "\n")
    }

    /// The same as one JSON object: counts, `seconds`, `requests_per_second`, `statuses` by code, `latency_ms`, `samples`.
    package var json: [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("calls", tally.calls)
        json.field("requests", tally.requests)
        json.field("accepted", tally.accepted)
        json.field("unexpected", tally.unexpected)
        json.field("unanswered", tally.failed)
        json.field("seconds", duration / .seconds(1))
        json.field("requests_per_second", requestRate)
        json.beginObject("statuses")
        for (status, count) in tally.statuses.sorted(by: { $0.key < $1.key }) {
            json.name(dynamic: String(status))
            json.value(count)
        }
        json.endObject()
        json.beginObject("latency_ms")
        json.field("p50", Self.milliseconds(tally.latency.percentile(0.5)))
        json.field("p90", Self.milliseconds(tally.latency.percentile(0.9)))
        json.field("p99", Self.milliseconds(tally.latency.percentile(0.99)))
        json.field("p999", Self.milliseconds(tally.latency.percentile(0.999)))
        json.field("max", Self.milliseconds(tally.latency.maximum))
        json.endObject()
        json.beginArray("samples")
        for sample in tally.samples { json.value(sample) }
        json.endArray()
        json.endObject()
        return json.finish()
    }

    private static func milliseconds(_ duration: Duration) -> Double { duration / .milliseconds(1) }

    private static func rounded(_ number: Double) -> String {
        number >= 1000 ? String(Int(number.rounded())) : String((number * 100).rounded() / 100)
    }
}
