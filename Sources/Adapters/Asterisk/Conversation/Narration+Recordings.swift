import Connector

// Recordings (MixMonitor): the events name no file, which the session asks for.

extension Narration {
    mutating func startRecording(_ message: ManagerMessage) {
        guard let place = leg(message), talk.legs[place].recordingSince == nil else { return }
        talk.legs[place].recordingSince = now
    }

    /// A hangup ends a recording without a word of its own.
    mutating func stopRecording(_ place: Int) {
        guard talk.legs[place].recordingSince != nil else { return }
        if talk.legs[place].recordingFile == nil { tellRecording(place, .started) }
        tellRecording(place, .completed)
        talk.legs[place].recordingSince = nil
        talk.legs[place].recordingFile = nil
    }

    func recordingKey(_ leg: ChannelLeg) -> String { leg.recordingFile ?? "\(leg.id)-\(leg.recordingSince?.milliseconds ?? 0)" }

    mutating func tellRecording(_ place: Int, _ phase: RecordingReport.Phase) {
        let leg = talk.legs[place]
        let key = recordingKey(leg)
        let reporter = telling(leg)
        let moment = phase == .started ? leg.recordingSince : nil
        tell(.updated, "recording", phase.rawValue, key, at: moment) { event in
            event.recording = RecordingReport(key: key, phase: phase, leg: reporter)
        }
        guard phase == .completed else { return }
        let isKept = plan.fetchesRecordings && leg.recordingFile != nil
        let obstacle = plan.fetchesRecordings ? "its name is not known" : "recordings_url is not set"
        tell(isKept ? .recordingReady : .updated, "recording", "kept", key) { event in
            event.recording = RecordingReport(
                key: key, phase: isKept ? .ready : .notRecorded, leg: reporter,
                problem: isKept ? nil : "the file stays on the PBX: \(obstacle)")
        }
    }

    private func telling(_ leg: ChannelLeg) -> String? {
        if leg.peer != nil { return leg.id }
        return talk.legs.last { $0.peer == leg.id }?.id
    }
}
