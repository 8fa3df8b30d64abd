import Connector

extension ReconciliationStatus {
    /// The members `reconciliation` and `hearing` of a connection.
    func write(to json: inout JSONWriter) {
        json.beginObject("reconciliation")
        json.field("enabled", plan.isEnabled)
        json.field("active", isActive)
        json.field("running", isRunning)
        json.field("every_ms", plan.every.milliseconds)
        json.field("window_ms", plan.window.milliseconds)
        json.field("longest_ms", plan.longest.milliseconds)
        json.field("last_pull_at", state.succeededAt?.description)
        json.field("next_pull_at", nextAt?.description)
        json.field("known_since", state.since?.description)
        json.field("known_until", state.through?.description)
        json.field("rows", state.rowCount)
        json.name("failure")
        write(state.failure, to: &json)
        json.endObject()
        json.name("hearing")
        silence.write(to: &json)
    }

    private func write(_ failure: PullState.Failure?, to json: inout JSONWriter) {
        guard let failure else { return json.null() }
        json.beginObject()
        json.field("at", failure.at.description)
        json.field("reason", failure.reason)
        json.field("count", failure.count)
        json.endObject()
    }
}

extension SilenceWatch {
    fileprivate func write(to json: inout JSONWriter) {
        json.beginObject()
        json.field("state", state.rawValue)
        json.field("since", since?.description)
        json.field("last_heard_at", lastHeardAt?.description)
        json.field("usual_per_hour", usualPerHour)
        json.field("expected_since_last", expectedSinceLast)
        json.endObject()
    }
}
