import Glibc

/// Reads files of which a person wrote every byte: settings, secrets, certificates' paths.
enum SmallFile {
    /// The whole file.
    /// - Throws: `SmallFileError` saying in a few words why it cannot be read.
    static func read(_ path: String, limit: Int = 1 << 20) throws(SmallFileError) -> [UInt8] {
        let descriptor = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else { throw SmallFileError(reason: reason(errno)) }
        defer { close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0 else { throw SmallFileError(reason: reason(errno)) }
        guard status.st_mode & S_IFMT == S_IFREG else { throw SmallFileError(reason: "is not a regular file") }
        return try readAll(descriptor, limit: limit)
    }

    /// Why the entries of a folder cannot be read, in a few words; `nil` where they can.
    static func refusal(ofFolder path: String) -> String? {
        let descriptor = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC)
        guard descriptor >= 0 else { return errno == ENOTDIR ? "is no folder" : reason(errno) }
        close(descriptor)
        return nil
    }

    private static func readAll(_ descriptor: Int32, limit: Int) throws(SmallFileError) -> [UInt8] {
        var content: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 16 << 10)
        while true {
            let count = Glibc.read(descriptor, &chunk, chunk.count)
            if count < 0, errno == EINTR { continue }
            guard count >= 0 else { throw SmallFileError(reason: reason(errno)) }
            if count == 0 { return content }
            content.append(contentsOf: chunk[..<count])
            guard content.count <= limit else { throw SmallFileError(reason: "is larger than \(limit / 1024) KB") }
        }
    }

    /// What changes when the file's content does; `nil` where there is no such file.
    static func stamp(of path: String) -> FileStamp? {
        var status = stat()
        guard stat(path, &status) == 0 else { return nil }
        return FileStamp(
            inode: UInt64(status.st_ino), byteCount: Int64(status.st_size), seconds: Int64(status.st_mtim.tv_sec),
            nanoseconds: Int64(status.st_mtim.tv_nsec))
    }

    private static func reason(_ code: Int32) -> String {
        switch code {
        case ENOENT, ENOTDIR: "does not exist"
        case EACCES, EPERM: "may not be read by this user"
        case EISDIR: "is a directory"
        default: String(cString: strerror(code)).lowercased()
        }
    }
}

/// Why a file cannot be read: the rest of a sentence that begins with its name.
struct SmallFileError: Error, Equatable {
    var reason: String
}

/// What `stat` tells of a file's content.
struct FileStamp: Equatable, Sendable {
    var inode: UInt64
    var byteCount: Int64
    var seconds: Int64
    var nanoseconds: Int64
}
