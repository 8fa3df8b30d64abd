import Media
import NetworkTypes

/// The media plane's name of a recording; the record has another of that name.
typealias SoundRecordingID = Media.RecordingID

/// What the calls ask of whatever carries their sound: `MediaPlane`, or a stand-in where there is no network.
///
/// Confined to the signalling loop. Commands to a stream that is gone do nothing.
protocol CallMedia: AnyObject {
    func open(address: IPAddress, near: MediaStreamID?) throws(MediaError) -> MediaPort
    func configure(_ id: MediaStreamID, _ terms: MediaTerms)
    func bridge(_ first: MediaStreamID, _ second: MediaStreamID)
    func unbridge(_ id: MediaStreamID)
    func play(_ id: MediaStreamID, _ program: AudioProgram)
    func stop(_ id: MediaStreamID)
    func send(digits: String, to id: MediaStreamID)
    func record(_ name: RecordingID, path: String, left: MediaStreamID?, right: MediaStreamID?)
    func changeRecording(_ name: RecordingID, left: MediaStreamID?, right: MediaStreamID?)
    func finishRecording(_ name: RecordingID)
    func close(_ id: MediaStreamID)
}

extension MediaPlane: CallMedia {}
