import Network

/// One side of a recording: the stream it is of, and its way to the recorder.
struct RecordedSide {
    var stream: MediaStreamID
    var lane: RecordingLane
}

/// Recordings: which streams go to which side of which file.
extension MediaPlane {
    /// Writes what comes from two streams to a WAV file of two channels, from now on.
    ///
    /// A stream is in one recording at a time: a new one takes it over. `.recordingFailed` tells where the file cannot be made; one that
    /// exists is never replaced.
    package func record(_ name: RecordingID, path: String, left: MediaStreamID?, right: MediaStreamID?) {
        guard recordings[name] == nil else {
            return tellLater(.recordingFailed(name, MediaError(.file, "recording \(name): is being written already")))
        }
        recordings[name] = [:]
        recorder.begin(name, path: path, at: .now)
        changeRecording(name, left: left, right: right)
    }

    /// Has a recording go on with other streams; those that stay go on without a gap, and a side without one is silent.
    package func changeRecording(_ name: RecordingID, left: MediaStreamID?, right: MediaStreamID?) {
        guard let sides = recordings[name] else { return }
        for (side, stream) in [(RecordingMix.Side.left, left), (.right, right)] where sides[side]?.stream != stream {
            if let old = sides[side] { detach(old) }
            recordings[name]?[side] = stream.flatMap { attach($0, side, name) }
        }
    }

    /// Ends a recording; `.recorded` tells when its file is whole.
    package func finishRecording(_ name: RecordingID) {
        guard let sides = recordings[name] else { return }
        for side in sides.values { detach(side) }
        recordings[name] = [:]
        recorder.finish(name, at: .now)
    }

    private func attach(_ stream: MediaStreamID, _ side: RecordingMix.Side, _ name: RecordingID) -> RecordedSide? {
        guard table[stream] != nil else { return nil }
        let lane = recorder.lane(side, of: name)
        command(stream) { $0.attach(lane, to: stream) }
        return RecordedSide(stream: stream, lane: lane)
    }

    private func detach(_ side: RecordedSide) {
        let (lane, stream) = (side.lane, side.stream)
        // A stream that has closed sealed its lane then.
        command(stream) { $0.detach(lane, from: stream) }
    }

    /// Lets go of a recording that has ended, well or not.
    func forget(_ name: RecordingID) {
        for side in recordings.removeValue(forKey: name)?.values ?? [:].values { detach(side) }
    }
}
