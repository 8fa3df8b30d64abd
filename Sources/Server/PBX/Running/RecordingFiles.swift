import Glibc
import PBXPlan

/// The files of one recording: how it is written, and what may be made of it.
///
/// Its name, by which records and commands know it, is that of the WAV for good, whatever it becomes: it is told when the recording begins.
struct RecordingFiles: Sendable {
    /// What is being made and not yet whole.
    static let draftEnding = ".part"

    let wav: String

    init(folder: String, name: String) { wav = folder + "/" + name }

    /// What an encoder makes, under its name.
    func made(_ format: RecordingFormat) -> String { wav.dropLast(4) + "." + format.rawValue }

    func draft(_ format: RecordingFormat) -> String { made(format) + Self.draftEnding }

    /// What was made of it before, whole.
    var made: String? { RecordingFormat.encoded.map(made).first { access($0, F_OK) == 0 } }

    /// Where its sound lies now. Blocks.
    var current: String { made ?? wav }

    /// Has what was made take the WAV's place: there is never a moment at which neither is whole on the disk.
    /// - Throws: what cannot be done, in words; the WAV is left then.
    func replace(by format: RecordingFormat) throws(EncodingProblem) {
        try Self.flush(draft(format), beginningLike: format)
        guard rename(draft(format), made(format)) == 0 else { throw EncodingProblem("it cannot be named: \(Self.lastError)") }
        unlink(wav)
    }

    /// Forces a file to the disk, once it is seen to be what it should.
    private static func flush(_ path: String, beginningLike format: RecordingFormat) throws(EncodingProblem) {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW)
        guard descriptor >= 0 else { throw EncodingProblem("it made no file: \(lastError)") }
        defer { close(descriptor) }
        var beginning = [UInt8](repeating: 0, count: 64)
        let count = read(descriptor, &beginning, beginning.count)
        guard format.isBegun(by: beginning.prefix(max(0, count))) else { throw EncodingProblem("what it made is no \(format)") }
        guard fsync(descriptor) == 0 else { throw EncodingProblem("it cannot be written: \(lastError)") }
    }

    private static var lastError: String { String(cString: strerror(errno)) }
}

/// Why a recording stays as it is; names no file.
struct EncodingProblem: Error, Equatable, CustomStringConvertible {
    let description: String

    init(_ description: String) { self.description = description }
}

extension RecordingFormat {
    /// What an encoder makes.
    static let encoded = allCases.filter { $0 != .wav }

    /// Whether a file that begins so may be of this format.
    func isBegun(by bytes: ArraySlice<UInt8>) -> Bool {
        switch self {
        case .wav: bytes.starts(with: "RIFF".utf8)
        // An Ogg page whose first packet is the head of Opus (RFC 7845 §5.1).
        case .opus: bytes.starts(with: "OggS".utf8) && bytes.dropFirst(28).starts(with: "OpusHead".utf8)
        // A tag, or the eleven set bits of a frame.
        case .mp3: bytes.starts(with: "ID3".utf8) || (bytes.first == 0xFF && (bytes.dropFirst().first ?? 0) & 0xE0 == 0xE0)
        }
    }
}
