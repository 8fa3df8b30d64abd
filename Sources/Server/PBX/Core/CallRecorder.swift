import Connector
import Media

/// What of a call is recorded, in which file. The caller is left, whoever talks with him right.
struct CallRecorder {
    /// The plan or a command wants the talk recorded.
    var isWanted = false
    /// The parties were told before.
    var isAnnounced = false
    private var current: SoundRecordingID?
    private var count = 0

    var isRunning: Bool { current != nil }

    /// Two legs talk: a recording begins, or goes on with them.
    mutating func follow(_ first: PBXLeg, _ second: PBXLeg, in call: PBXCall) {
        guard isWanted else { return }
        let callerIsSecond = second === call.caller
        let left = callerIsSecond ? second : first
        let right = callerIsSecond ? first : second
        if let current {
            call.core.media.changeRecording(current, left: left.stream, right: right.stream)
        } else {
            begin(.call, left: left, right: right, leg: nil, in: call)
        }
    }

    mutating func takeMessage(from caller: PBXLeg, for box: String, leg: String, in call: PBXCall) {
        finish(in: call)
        begin(.voicemail, left: caller, right: nil, leg: leg, box: box, in: call)
    }

    private mutating func begin(
        _ kind: Recording.Kind, left: PBXLeg, right: PBXLeg?, leg: String?, box: String? = nil, in call: PBXCall
    ) {
        count += 1
        let name = PBXRecordingName(call: call.name, number: count, box: box).text
        let id = SoundRecordingID(name)
        current = id
        call.core.recordings[id] = PBXRecordingEntry(call: call, kind: kind, isAnnounced: isAnnounced, leg: leg)
        call.core.media.record(id, path: call.core.settings.recordings + "/" + name, left: left.stream, right: right?.stream)
        call.tell(
            .recording(PBXRecord.RecordingMoment(.started, name: name, kind: kind, leg: leg, isAnnounced: isAnnounced)))
    }

    /// What follows is not recorded. The file is whole a moment later.
    mutating func finish(in call: PBXCall) {
        guard let current else { return }
        self.current = nil
        call.core.media.finishRecording(current)
    }
}

/// A recording that is being written; it outlives its call by a moment.
struct PBXRecordingEntry {
    /// Strong: the last records are the call's, after its end.
    let call: PBXCall
    let kind: Recording.Kind
    let isAnnounced: Bool
    let leg: String?
}
