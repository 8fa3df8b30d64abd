import AdapterKit
import Connector

/// `events/recording`, `events/record/added` and `events/record/tagged`.
extension MangoMessage {
    /// Two employees in one call make two recordings, each with its own `recording_id` and count of events.
    func recording() -> Decoded {
        guard let keys = keys() else { return Self.missing("entry_id") }
        guard let recording = text("recording_id") else { return Self.missing("recording_id") }
        let state = text("recording_state") ?? ""
        let report = recordingReport(recording, state: state)
        var event = event(
            eventID("recording", recording, text("seq") ?? text("timestamp") ?? "", state), keys: keys,
            type: report?.phase == .failed ? .recordingFailed : .updated)
        event.recording = report
        event.custom = leftovers(except: report == nil ? Self.legFields : Self.recordingFields)
        return .call(event)
    }

    /// The file is in the cloud: the moment to fetch it.
    func recordAdded() -> Decoded {
        guard let keys = keys() else { return Self.missing("entry_id") }
        guard let recording = text("recording_id") else { return Self.missing("recording_id") }
        var event = event(eventID("record/added", recording), keys: keys, type: .recordingReady)
        event.recording = RecordingReport(key: recording, phase: .ready)
        event.custom = leftovers(except: Self.fileFields)
        return .call(event)
    }

    /// Speech analytics found topics; which ones is to be asked.
    func recordTagged() -> Decoded {
        guard let keys = keys() else { return Self.missing("entry_id") }
        guard let recording = text("recording_id") else { return Self.missing("recording_id") }
        var event = event(eventID("record/tagged", recording, text("timestamp") ?? ""), keys: keys, type: .updated)
        event.custom = leftovers(except: Self.fileFields)
        event.custom.keep("tagged_recording_id", recording)
        return .call(event)
    }

    private static let legFields: NameSet = ["entry_id", "sip_call_id", "call_id", "seq", "timestamp"]
    private static let fileFields: NameSet = ["entry_id", "sip_call_id", "call_id", "seq", "timestamp", "recording_id"]
    private static let recordingFields: NameSet = [
        "entry_id", "sip_call_id", "call_id", "seq", "timestamp", "recording_id", "recording_state",
    ]

    private func recordingReport(_ recording: String, state: String) -> RecordingReport? {
        switch state {
        // `Continued` goes on in another leg under the same name.
        case "Started", "Continued": RecordingReport(key: recording, phase: .started, leg: text("call_id"))
        case "Completed": completed(recording)
        default: nil
        }
    }

    private func completed(_ recording: String) -> RecordingReport {
        var report = RecordingReport(key: recording, phase: .completed, leg: text("call_id"))
        let code = self["completion_code"].anyInt
        switch code {
        case MangoCodes.recordingTooShort?:
            report.phase = .notRecorded
            report.problem = "too short"
        case let code? where !MangoCodes.isSuccess(code):
            report.phase = .failed
            report.problem = "completion code \(code)"
        case _ where text("recipient") == "Mail":
            // Inferred: what is only sent by mail cannot be fetched.
            report.phase = .notRecorded
            report.problem = "sent by mail only"
        default: break
        }
        return report
    }
}
