import Network

/// Everything that carries sound: ports, relays, players, recorders.
///
/// Confined to the signalling loop: all methods are called there, and `onEvent` is. Each stream lives on one of the media loops,
/// to which commands go in order; what happens there comes back as events.
package final class MediaPlane {
    /// Hears everything that happens, on the signalling loop.
    package var onEvent: (MediaEvent) -> Void = { _ in }

    /// - Parameters:
    ///   - loops: where streams live, at least one; the signalling loop may be among them. All are started by the caller and stopped
    ///     after `shutdown`.
    ///   - signalling: where the plane's methods are called.
    package init(loops: [EventLoop], signalling: EventLoop, settings: MediaSettings = MediaSettings()) throws(MediaError) {}

    /// Opens a stream: binds its ports and begins to listen. Nothing is taken before `configure`.
    /// - Parameter near: a stream that it is likely to be bridged with: they then share a loop.
    /// - Throws: `.ports`, `.full`, `.over`.
    package func open(address: IPAddress, near: MediaStreamID? = nil) throws(MediaError) -> MediaPort {
        throw MediaError(.ports, "not there yet")
    }

    /// Sets what was agreed on; again after each change. The same terms once more change nothing for a stream that has sound.
    package func configure(_ id: MediaStreamID, _ terms: MediaTerms) {}

    /// Relays between two streams both ways, instead of what they were bridged with before.
    package func bridge(_ first: MediaStreamID, _ second: MediaStreamID) {}

    /// Ends a stream's bridge; the other side of it is without one, too.
    package func unbridge(_ id: MediaStreamID) {}

    /// Plays into a stream, instead of what was played before. What is relayed to it waits meanwhile.
    package func play(_ id: MediaStreamID, _ program: AudioProgram) {}

    /// Stops what is played into a stream.
    package func stop(_ id: MediaStreamID) {}

    /// Sends keys, one after the other, behind those that are still to be sent; at most 64 wait.
    /// As telephone events where they were agreed on, else as tones.
    package func send(digits: String, to id: MediaStreamID) {}

    /// Writes what comes from two streams to a WAV file of two channels.
    /// A file that exists already is refused.
    package func record(_ name: RecordingID, path: String, left: MediaStreamID?, right: MediaStreamID?) {}

    /// Has a recording go on with other streams; those that stay go on without a gap.
    package func changeRecording(_ name: RecordingID, left: MediaStreamID?, right: MediaStreamID?) {}

    /// Ends a recording; `.recorded` tells when its file is whole.
    package func finishRecording(_ name: RecordingID) {}

    /// Says goodbye and closes. `.closed` is its last event.
    package func close(_ id: MediaStreamID) {}

    /// Closes all streams, ends all recordings and waits until their files are whole. The loops must still run, or have been stopped.
    package func shutdown() {}
}
