import Connector
import Glibc

// Recordings that lie on this machine already: those of the embedded PBX.

extension RecordingFetcher {
    private static let pieceSize = 256 << 10

    /// Takes a copy of a file into the store; the file stays as it is.
    ///
    /// Only a file counts: what a name leads to by a link, a folder or a pipe is refused.
    /// - Throws: `Problem`, `RecordingStoreError`.
    func take(_ path: String, keptUntil: Instant? = nil) async throws -> RecordingFile {
        try await disk.run { [store, byteLimit] in
            let file = try Original(path, byteLimit: byteLimit)
            let draft = try store.begin()
            try file.read(inPiecesOf: Self.pieceSize, into: draft)
            let beginning = draft.beginning
            guard !beginning.isEmpty else { throw Problem(text: "the file is empty", isFinal: true) }
            let (sha256, byteCount) = try draft.finish(keptUntil: keptUntil)
            return RecordingFile(
                sha256: sha256, byteCount: byteCount, mediaType: MediaType.sniffed(beginning) ?? "application/octet-stream",
                keptUntil: keptUntil)
        }
    }

    /// Removes a file that was taken. One that cannot be removed costs room and nothing else.
    func remove(_ path: String) async {
        _ = try? await disk.run { unlink(path) }
    }
}

/// A file of another room, open for reading.
private final class Original {
    private let descriptor: Int32

    init(_ path: String, byteLimit: Int) throws {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else {
            let isGone = errno == ENOENT
            throw RecordingFetcher.Problem(text: "the file \(isGone ? "is not there" : "cannot be opened")", isFinal: isGone)
        }
        self.descriptor = descriptor
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw RecordingFetcher.Problem(text: "what lies there is no file", isFinal: true)
        }
        guard status.st_size <= byteLimit else {
            throw RecordingFetcher.Problem(text: "the file has more than \(byteLimit >> 20) MB", isFinal: true)
        }
    }

    deinit { close(descriptor) }

    func read(inPiecesOf size: Int, into draft: any RecordingDraft) throws {
        try withUnsafeTemporaryAllocation(byteCount: size, alignment: 16) { buffer in
            while true {
                let count = Glibc.read(descriptor, buffer.baseAddress, buffer.count)
                if count < 0, errno == EINTR { continue }
                guard count >= 0 else { throw RecordingFetcher.Problem(text: "the file cannot be read") }
                if count == 0 { return }
                try draft.receive(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(buffer)[..<count]))
            }
        }
    }
}
