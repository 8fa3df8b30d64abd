/// What a recording of a call is kept as.
package enum RecordingFormat: String, Sendable, CaseIterable {
    /// As it is written while the call goes on: two channels of 16 bits, 1.9 MB a minute.
    case wav
    case opus, mp3
}
