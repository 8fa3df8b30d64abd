/// What is played into a stream.
package struct AudioProgram: Hashable, Sendable {
    package enum Source: Hashable, Sendable {
        /// A WAV file: one channel at 8,000 Hz, 16-bit PCM, A-law or µ-law.
        case file(String)
        /// A tone in its rhythm, one round of it.
        case tone(Tone)
        /// Nothing heard, for so many milliseconds.
        case silence(milliseconds: Int)
    }

    package var source: Source
    /// How many times it is played; nil for without end, until it is stopped.
    package var rounds: Int?

    package init(_ source: Source, rounds: Int? = 1) {
        self.source = source
        self.rounds = rounds
    }

    /// A file once.
    package static func file(_ path: String) -> AudioProgram { AudioProgram(.file(path)) }

    /// A file over and over: music on hold.
    package static func music(_ path: String) -> AudioProgram { AudioProgram(.file(path), rounds: nil) }

    /// A tone until it is stopped.
    package static func tone(_ tone: Tone) -> AudioProgram { AudioProgram(.tone(tone), rounds: nil) }

    package static func silence(milliseconds: Int) -> AudioProgram { AudioProgram(.silence(milliseconds: milliseconds)) }
}

extension AudioProgram {
    /// How many times its clip is played: silence is kept as one packet of it.
    var clipRounds: Int? {
        guard case .silence(let milliseconds) = source else { return rounds }
        return rounds.map { max(0, min($0, 1_000_000)) * max(1, min(milliseconds, 86_400_000) / 20) }
    }
}
