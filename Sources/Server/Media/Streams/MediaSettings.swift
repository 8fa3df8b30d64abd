/// The media plane's limits and habits.
package struct MediaSettings: Sendable {
    /// The ports for RTP and RTCP: an even one and the next for each stream.
    package var ports: ClosedRange<UInt16> = 16_384...32_767
    /// How long a port rests after use, so that what still comes for the last call does not reach the next.
    package var quarantine: Duration = .seconds(10)
    /// How long after the terms changed the first packet may decide where the other side is.
    package var latchingWindow: Duration = .seconds(3)
    /// Between two RTCP reports of ours.
    package var reportInterval: Duration = .seconds(5)
    /// How long nothing must come to be told.
    package var silence: Duration = .seconds(10)
    /// Streams open at once.
    package var maximumStreams = 8192
    /// Recordings being written at once.
    package var maximumRecordings = 4096
    /// Batches of sound, 64 kB each, that may wait for the recorder for each loop: more than a second of 500 calls.
    package var recordingBatches = 256
    /// Of decoded sound files kept in memory.
    package var maximumSoundBytes = 64 << 20
    /// Of one sound file: an hour is 58 MB of 16-bit PCM.
    package var maximumSoundFileBytes = 64 << 20

    package init() {}
}
