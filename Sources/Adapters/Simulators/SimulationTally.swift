import Connector

/// What has come of a simulation's requests so far.
package struct SimulationTally: Sendable, Equatable {
    /// Descriptions kept of what went wrong: the first ones tell the cause.
    static let samplesKept = 5

    /// Calls whose last request was answered or failed.
    package private(set) var calls = 0
    /// Answered as the vendor expects.
    package private(set) var accepted = 0
    /// Answered otherwise.
    package private(set) var unexpected = 0
    /// Not answered at all.
    package private(set) var failed = 0
    /// Answers by status code.
    package private(set) var statuses: [Int: Int] = [:]
    package private(set) var latency = LatencyHistogram()
    /// The first things that went wrong, in words.
    package private(set) var samples: [String] = []

    package init() {}

    package var requests: Int { accepted + unexpected + failed }

    /// Judges one answer.
    mutating func record(
        _ step: SimulatedStep, answeredBy response: OutgoingResponse, after duration: Duration, in scenario: Scenario
    ) {
        latency.record(duration)
        statuses[response.status, default: 0] += 1
        guard !step.accepts(status: response.status, body: response.body) else { return accepted += 1 }
        unexpected += 1
        guard samples.count < Self.samplesKept else { return }
        let said = String(decoding: response.body.prefix(200), as: UTF8.self)
        let wanted = step.expectedBody.map { " with \(String(decoding: $0, as: UTF8.self).debugDescription)" } ?? ""
        note("\(scenario.rawValue): \(step.place) was answered \(response.status) \(said.debugDescription), not 200\(wanted)")
    }

    mutating func record(_ step: SimulatedStep, failedBy error: any Error, in scenario: Scenario) {
        failed += 1
        note("\(scenario.rawValue): \(step.place) was not answered: \(error)")
    }

    mutating func endCall() { calls += 1 }

    private mutating func note(_ sample: @autoclosure () -> String) {
        if samples.count < Self.samplesKept { samples.append(sample()) }
    }
}

extension SimulatedStep {
    /// The request in short, without what a query may hold.
    fileprivate var place: String { "\(method) …\(target.prefix { $0 != "?" })" }
}
