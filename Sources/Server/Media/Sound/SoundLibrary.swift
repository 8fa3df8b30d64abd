import Glibc
import Network

/// Reads sound files and makes tones, on a thread of its own, and keeps what was made: each file is decoded and encoded once,
/// for all who play it, until it changes.
///
/// `@unchecked Sendable`: everything but `loop` is touched on the loop's thread only.
final class SoundLibrary: @unchecked Sendable {
    typealias Answer = @Sendable (Result<AudioClip, MediaError>) -> Void

    private struct Shelf {
        var clip: AudioClip
        /// What the file was like when it was read; nil for what is made.
        var state: FileState?
        var usedAt: UInt64
    }

    private let loop: EventLoop
    private let maximumBytes: Int
    private let maximumFileBytes: Int
    private var shelves: [AudioProgram.Source: Shelf] = [:]
    private var byteCount = 0
    private var uses: UInt64 = 0

    init(_ settings: MediaSettings) throws(MediaError) {
        maximumBytes = settings.maximumSoundBytes
        maximumFileBytes = settings.maximumSoundFileBytes
        do {
            loop = try EventLoop(name: "media-files")
            try loop.start()
        } catch {
            throw MediaError(.threads, "the thread that reads sound files: \(error)")
        }
    }

    /// Finds or makes what is to be played, and answers on the library's thread. From any thread.
    func fetch(_ source: AudioProgram.Source, _ answer: @escaping Answer) {
        loop.execute {
            do throws(MediaError) {
                answer(.success(try self.clip(for: source)))
            } catch {
                answer(.failure(error))
            }
        }
    }

    /// Ends the thread; whoever waits gets no answer.
    func stop() { loop.stop() }

    // MARK: On the library's thread

    private func clip(for source: AudioProgram.Source) throws(MediaError) -> AudioClip {
        let source = if case .silence = source { AudioProgram.Source.silence(milliseconds: 20) } else { source }
        uses += 1
        var state: FileState?
        if case .file(let path) = source { state = try FileState(path) }
        if let shelf = shelves[source], shelf.state == state {
            shelves[source]?.usedAt = uses
            return shelf.clip
        }
        let clip = try make(source)
        keep(Shelf(clip: clip, state: state, usedAt: uses), for: source)
        return clip
    }

    private func make(_ source: AudioProgram.Source) throws(MediaError) -> AudioClip {
        switch source {
        case .file(let path): try WAVReader.clip(ofFile: path, maximumBytes: maximumFileBytes)
        case .tone(let tone): tone.makeClip()
        case .silence: AudioClip(samples: [Int16](repeating: 0, count: AudioClip.samplesAPacket))
        }
    }

    /// Who plays what is taken off its shelf keeps it until the end.
    private func keep(_ shelf: Shelf, for source: AudioProgram.Source) {
        byteCount += shelf.clip.byteCount - (shelves[source]?.clip.byteCount ?? 0)
        shelves[source] = shelf
        while byteCount > maximumBytes, shelves.count > 1, let oldest = shelves.min(by: { $0.value.usedAt < $1.value.usedAt }) {
            byteCount -= oldest.value.clip.byteCount
            shelves[oldest.key] = nil
        }
    }
}

/// By what a changed file is known.
private struct FileState: Equatable {
    private let inode: UInt
    private let size: Int
    private let seconds: Int
    private let nanoseconds: Int

    init(_ path: String) throws(MediaError) {
        var status = stat()
        guard stat(path, &status) == 0 else {
            throw MediaError(.file, path, errno: errno, hint: "is the path right, and may the gateway read it?")
        }
        (inode, size) = (UInt(status.st_ino), Int(status.st_size))
        (seconds, nanoseconds) = (status.st_mtim.tv_sec, status.st_mtim.tv_nsec)
    }
}
