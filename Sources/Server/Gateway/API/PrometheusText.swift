/// Writes metrics in Prometheus' text format 0.0.4.
package struct PrometheusText: Sendable {
    package private(set) var text = ""

    package enum Kind: String, Sendable { case counter, gauge, histogram }

    /// Begins a family of samples.
    package mutating func family(_ name: String, _ kind: Kind, _ help: String) {
        text += "# HELP \(name) \(help)\n# TYPE \(name) \(kind.rawValue)\n"
    }

    /// One sample of the family begun last.
    package mutating func sample(_ name: String, labels: [(String, String)] = [], _ value: some FixedWidthInteger) {
        append(name, labels, String(value))
    }

    /// One sample of the family begun last.
    package mutating func sample(_ name: String, labels: [(String, String)] = [], _ value: Double) {
        append(name, labels, value.description)
    }

    private mutating func append(_ name: String, _ labels: [(String, String)], _ value: String) {
        text += name
        if !labels.isEmpty {
            text += "{" + labels.map { "\($0)=\"\(Self.escaped($1))\"" }.joined(separator: ",") + "}"
        }
        text += " \(value)\n"
    }

    /// A whole histogram, bounds in seconds.
    mutating func histogram(_ name: String, _ help: String, _ histogram: LatencyHistogram.Snapshot) {
        family(name, .histogram, help)
        var sum = 0
        for (bound, count) in zip(LatencyHistogram.bounds, histogram.buckets) {
            sum += count
            sample("\(name)_bucket", labels: [("le", (Double(bound) / 1_000_000).description)], sum)
        }
        sample("\(name)_bucket", labels: [("le", "+Inf")], histogram.count)
        sample("\(name)_sum", Double(histogram.sumMicroseconds) / 1_000_000)
        sample("\(name)_count", histogram.count)
    }

    private static func escaped(_ label: String) -> String {
        label.replacing("\\", with: "\\\\").replacing("\"", with: "\\\"").replacing("\n", with: "\\n")
    }
}
