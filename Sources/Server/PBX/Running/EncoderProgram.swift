import Connector
import Glibc
import PBXPlan

/// A program of the system's that makes small files of WAVs.
///
/// 48 kbit/s for two channels: less makes Opus mix them, and who said what is what two channels are for.
struct EncoderProgram: Equatable, Sendable {
    private enum Manner { case opusenc, lame, ffmpegOpus, ffmpegMP3 }

    private static let rate = "48"
    /// Tells how the encoder ended as a line on standard output; nothing else is written there.
    private static let shell = "nice -n 19 \"$@\" </dev/null >/dev/null; echo $?"

    let path: String
    private let manner: Manner

    /// For people: without the folder.
    var name: Substring { path[(path.lastIndex(of: "/").map(path.index(after:)) ?? path.startIndex)...] }

    /// The first program along `searchPath` that can make it; the smaller one is preferred to ffmpeg. Blocks.
    static func find(_ format: RecordingFormat, along searchPath: String) -> EncoderProgram? {
        for (name, manner) in candidates(format) {
            if let path = look(for: name, along: searchPath) { return EncoderProgram(path: path, manner: manner) }
        }
        return nil
    }

    /// The names of the programs that can make it, in words.
    static func names(_ format: RecordingFormat) -> String { candidates(format).map(\.name).joined(separator: " nor ") }

    /// What to start: niced, without input, in a shell that tells of its end.
    func program(from wav: String, to draft: String) -> ChildProgram {
        ChildProgram(command: ["/bin/sh", "-c", Self.shell, "encoder", path] + arguments(wav, draft), lineLimit: 256)
    }

    private static func candidates(_ format: RecordingFormat) -> [(name: String, manner: Manner)] {
        switch format {
        case .wav: []
        case .opus: [("opusenc", .opusenc), ("ffmpeg", .ffmpegOpus)]
        case .mp3: [("lame", .lame), ("ffmpeg", .ffmpegMP3)]
        }
    }

    private static func look(for name: String, along searchPath: String) -> String? {
        searchPath.split(separator: ":").lazy.filter { $0.hasPrefix("/") }.map { "\($0)/\(name)" }.first { access($0, X_OK) == 0 }
    }

    private func arguments(_ wav: String, _ draft: String) -> [String] {
        switch manner {
        case .opusenc: ["--quiet", "--bitrate", Self.rate, wav, draft]
        // Channels by themselves: joint stereo moves one into the other.
        case .lame: ["--silent", "-m", "s", "-b", Self.rate, wav, draft]
        case .ffmpegOpus: Self.ffmpeg(wav) + ["-c:a", "libopus", "-b:a", "\(Self.rate)k", "-f", "opus", draft]
        case .ffmpegMP3:
            Self.ffmpeg(wav) + ["-c:a", "libmp3lame", "-b:a", "\(Self.rate)k", "-joint_stereo", "0", "-f", "mp3", draft]
        }
    }

    private static func ffmpeg(_ wav: String) -> [String] {
        ["-nostdin", "-v", "error", "-y", "-threads", "1", "-i", wav, "-map_metadata", "-1"]
    }
}
