import NetworkTypes

/// News of the media plane, told on the signalling loop in the order in which it happened to each stream.
package enum MediaEvent: Equatable, Sendable {
    /// The first packet since the terms changed: there is sound, from there.
    case firstPacket(MediaStreamID, from: SocketAddress)
    /// The other side has moved on to another address.
    case moved(MediaStreamID, to: SocketAddress)
    /// A key was pressed: `0`…`9`, `*`, `#`, `A`…`D`. Once a press.
    case digit(MediaStreamID, Character)
    /// Digits that were to be sent have been, as far as they could: not before the terms are known, and not in a codec that is passed on
    /// only where no telephone events were agreed on.
    case digitsSent(MediaStreamID)
    /// Nothing has come for so long though it may; told again each time that long has passed once more.
    case silent(MediaStreamID, seconds: Int)
    /// A program has come to its end; not told where it was stopped or replaced.
    case played(MediaStreamID)
    /// A program cannot be played; nothing of it was.
    case playFailed(MediaStreamID, MediaError)
    /// Two bridged sides speak codecs that cannot be converted: nothing is relayed between them.
    case incompatible(MediaStreamID, MediaStreamID)
    /// The other side's RTCP says goodbye.
    case goodbye(MediaStreamID)
    /// A recording is whole and closed.
    case recorded(RecordingID, byteCount: Int, milliseconds: Int, lost: Int)
    /// A recording has come to a bad end; what is in the file so far can be played.
    case recordingFailed(RecordingID, MediaError)
    /// A stream is closed, and what it carried. Its last word.
    case closed(MediaStreamID, MediaStatistics)
    /// The system took a stream away: it carries nothing any more and is to be closed.
    case failed(MediaStreamID, MediaError)
}

/// What a stream has carried, seen from us.
package struct MediaStatistics: Equatable, Sendable {
    package var packetsReceived = 0
    package var bytesReceived = 0
    package var packetsSent = 0
    package var bytesSent = 0
    /// Packets that should have come and did not, by their sequence numbers.
    package var packetsLost = 0
    /// Packets that were not taken: from elsewhere, of another payload type, no RTP.
    package var packetsRefused = 0
    /// Of what came, at its end (RFC 3550 §6.4.1).
    package var jitterMilliseconds = 0.0
    /// As the other side's last report has it.
    package var remotePacketsLost = 0
    package var remoteJitterMilliseconds = 0.0
    /// By the other side's last report; nil where it sent none.
    package var roundTripMilliseconds: Double?
}
