import Connector
import Digests
import Glibc
import Synchronization

/// Recordings as files: `ab/cdef…`, named by the SHA-256 of their content, in a folder of their own.
///
/// A file is written under `drafts/`, flushed, then renamed: what has a name is whole. What a crash left in `drafts/` goes at the
/// next start. A file's modification time says until when it is kept. One process works with a folder: the journal's lock sees to that.
package final class FileRecordingStore: RecordingStore {
    private let path: String
    private let spare: Int64
    /// 2100-01-01: what is kept for good.
    private static let forGood = Instant(unixSeconds: 4_102_444_800)
    /// Storing a content again and removing it for its age exclude each other.
    private let placing = Mutex(())

    /// Bytes of disk that are left to the journal, unless another number is given.
    package static let standardSpare: Int64 = 256 << 20

    /// Makes the folder where it is missing, for its owner alone, and throws old drafts away.
    /// - Parameter spare: nothing is begun, or gone on with, where the disk would have less room than this.
    /// - Throws: `RecordingStoreError`.
    package init(path: String, spare: Int64 = standardSpare) throws {
        self.path = path
        self.spare = spare
        try Self.makeFolder(path)
        try Self.makeFolder(path + "/drafts")
        try emptyDrafts()
    }

    package func begin() throws -> any RecordingDraft {
        try checkRoom()
        let name = path + "/drafts/" + Hex.encode(randomBytes(16))
        let descriptor = Glibc.open(name, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw RecordingStoreError.last("a draft cannot be made") }
        return FileRecordingDraft(store: self, path: name, descriptor: descriptor)
    }

    package func open(_ sha256: String) throws -> (any StoredRecording)? {
        guard let place = place(of: sha256) else { return nil }
        let descriptor = Glibc.open(place.file, O_RDONLY | O_CLOEXEC)
        guard descriptor >= 0 else {
            if errno == ENOENT { return nil }
            throw RecordingStoreError.last("a file cannot be opened")
        }
        return try StoredFile(descriptor)
    }

    package func remove(_ sha256: String, expiredAt now: Instant) throws -> Bool {
        guard let place = place(of: sha256) else { return false }
        return try placing.withLock { _ in
            guard let keptUntil = Self.keptUntil(place.file) else { return errno == ENOENT }
            guard keptUntil <= now else { return false }
            guard unlink(place.file) == 0 else { throw RecordingStoreError.last("a file cannot be removed") }
            return true
        }
    }

    // MARK: For drafts

    /// - Throws: `.full` where too little room is left.
    func checkRoom() throws {
        var room = statvfs()
        guard statvfs(path, &room) == 0 else { return }
        let (free, overflow) = Int64(clamping: room.f_bavail).multipliedReportingOverflow(by: Int64(clamping: room.f_frsize))
        guard overflow || free >= spare else {
            throw RecordingStoreError(.full, "the disk has less than \(spare >> 20) MB of room")
        }
    }

    /// Gives a whole, flushed draft its name. The same content that is there already is kept as long as either.
    func take(_ draft: String, as sha256: String, keptUntil: Instant?) throws {
        guard let place = place(of: sha256) else { throw RecordingStoreError(.inputOutput, "a digest is none") }
        try placing.withLock { _ in
            let keptUntil = min(keptUntil ?? Self.forGood, Self.forGood)
            if let known = Self.keptUntil(place.file) {
                if keptUntil > known { try Self.keep(place.file, until: keptUntil) }
                unlink(draft)
            } else {
                try Self.makeFolder(place.folder)
                try Self.keep(draft, until: keptUntil)
                guard rename(draft, place.file) == 0 else { throw RecordingStoreError.last("a file cannot be named") }
            }
            try Self.flushFolder(place.folder)
            try Self.flushFolder(path)
        }
    }

    /// `nil` where there is no such file, with `errno`.
    private static func keptUntil(_ path: String) -> Instant? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return Instant(milliseconds: Int64(status.st_mtim.tv_sec) * 1000 + Int64(status.st_mtim.tv_nsec) / 1_000_000)
    }

    private static func keep(_ path: String, until moment: Instant) throws {
        let (seconds, rest) = moment.milliseconds.quotientAndRemainder(dividingBy: 1000)
        let time = timespec(tv_sec: Int(seconds), tv_nsec: Int(max(0, rest)) * 1_000_000)
        guard utimensat(AT_FDCWD, path, [time, time], 0) == 0 else { throw RecordingStoreError.last("a file cannot be dated") }
    }

    // MARK: Folders

    /// Where a content lies; `nil` for what is no SHA-256 in lowercase hexadecimal.
    private func place(of sha256: String) -> (folder: String, file: String)? {
        let digits = sha256.utf8
        guard digits.count == 64, digits.allSatisfy({ (0x30...0x39).contains($0) || (0x61...0x66).contains($0) }) else {
            return nil
        }
        let folder = path + "/" + sha256.prefix(2)
        return (folder, folder + "/" + sha256.dropFirst(2))
    }

    private static func makeFolder(_ path: String) throws {
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw RecordingStoreError.last("a folder cannot be made") }
    }

    /// What a rename did to a folder is on disk when this returns.
    private static func flushFolder(_ path: String) throws {
        let descriptor = Glibc.open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { throw RecordingStoreError.last("a folder cannot be opened") }
        defer { close(descriptor) }
        guard fsync(descriptor) == 0 else { throw RecordingStoreError.last("a folder cannot be flushed") }
    }

    private func emptyDrafts() throws {
        let drafts = path + "/drafts"
        guard let folder = opendir(drafts) else { throw RecordingStoreError.last("the drafts cannot be read") }
        defer { closedir(folder) }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { unlink(drafts + "/" + name) }
        }
    }
}

/// One file being written: hashed as it comes.
///
/// `@unchecked Sendable`: what changes is touched on the client's thread until the request has ended, and by whoever waited for that
/// end afterwards; `pieces` orders the two.
final class FileRecordingDraft: RecordingDraft, @unchecked Sendable {
    private struct Progress: ~Copyable {
        var failure: RecordingStoreError?
        var beginning: [UInt8] = []
        var digest = Digest(.sha256)
        var byteCount: Int64 = 0
        var untilCheck = FileRecordingDraft.checkInterval
    }

    /// Bytes after which the disk's room is looked at again.
    private static let checkInterval = 4 << 20
    private static let beginningCount = 16

    private var progress = Progress()
    /// How many pieces were received: released by who wrote them, acquired by who reads what came of them.
    private let pieces = Atomic(0)
    private let store: FileRecordingStore
    private let path: String
    private let descriptor: Int32

    init(store: FileRecordingStore, path: String, descriptor: Int32) {
        self.store = store
        self.path = path
        self.descriptor = descriptor
    }

    /// A draft that was not finished goes; one that was has no such name any more.
    deinit {
        close(descriptor)
        unlink(path)
    }

    var failure: RecordingStoreError? {
        _ = pieces.load(ordering: .acquiring)
        return progress.failure
    }

    var beginning: [UInt8] {
        _ = pieces.load(ordering: .acquiring)
        return progress.beginning
    }

    func receive(_ bytes: UnsafeRawBufferPointer) throws {
        defer { pieces.add(1, ordering: .releasing) }
        if let failure = progress.failure { throw failure }
        do {
            try checkRoom(for: bytes.count)
            try write(bytes)
        } catch let error as RecordingStoreError {
            progress.failure = error
            throw error
        }
        progress.digest.update(bytes)
        progress.byteCount += Int64(bytes.count)
        progress.beginning += bytes.prefix(Self.beginningCount - progress.beginning.count)
    }

    func finish(keptUntil: Instant?) throws -> (sha256: String, byteCount: Int64) {
        if let failure { throw failure }
        guard fsync(descriptor) == 0 else { throw RecordingStoreError.last("a draft cannot be flushed") }
        let sha256 = progress.digest.copy().finish().hex
        try store.take(path, as: sha256, keptUntil: keptUntil)
        return (sha256, progress.byteCount)
    }

    private func checkRoom(for count: Int) throws {
        progress.untilCheck -= count
        guard progress.untilCheck <= 0 else { return }
        progress.untilCheck = Self.checkInterval
        try store.checkRoom()
    }

    private func write(_ bytes: UnsafeRawBufferPointer) throws {
        var rest = bytes[...]
        while !rest.isEmpty {
            let piece = UnsafeRawBufferPointer(rebasing: rest)
            let written = Glibc.write(descriptor, piece.baseAddress, piece.count)
            if written < 0, errno == EINTR { continue }
            guard written > 0 else { throw RecordingStoreError.last("a draft cannot be written") }
            rest = rest.dropFirst(written)
        }
    }
}

/// A file of the store, open.
private final class StoredFile: StoredRecording {
    let byteCount: Int64
    private let descriptor: Int32

    /// Closes `descriptor` when it goes, or cannot be used.
    init(_ descriptor: Int32) throws {
        var status = stat()
        guard fstat(descriptor, &status) == 0 else {
            let error = RecordingStoreError.last("a file cannot be read")
            close(descriptor)
            throw error
        }
        self.descriptor = descriptor
        byteCount = Int64(status.st_size)
    }

    deinit { close(descriptor) }

    func read(from offset: Int64, count: Int) throws -> [UInt8] {
        var failed = false
        let bytes = [UInt8](unsafeUninitializedCapacity: max(0, count)) { buffer, filled in
            while filled < buffer.count {
                let start = buffer.baseAddress.map { $0 + filled }
                let count = pread(descriptor, start, buffer.count - filled, off_t(offset) + filled)
                if count < 0, errno == EINTR { continue }
                failed = count < 0
                guard count > 0 else { return }
                filled += count
            }
        }
        if failed { throw RecordingStoreError(.inputOutput, "a file cannot be read") }
        return bytes
    }
}

extension RecordingStoreError {
    /// What the system said last.
    fileprivate static func last(_ what: String) -> RecordingStoreError {
        let isFull = errno == ENOSPC || errno == EDQUOT
        return RecordingStoreError(isFull ? .full : .inputOutput, "\(what): \(String(cString: strerror(errno)))")
    }
}
