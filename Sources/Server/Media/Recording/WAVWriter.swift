import Glibc

/// Writes a recording's file, beginning with a head that is true of nothing yet. Blocks; whoever owns it closes it once.
struct WAVWriter {
    private let path: String
    private let descriptor: Int32
    private(set) var soundByteCount = 0

    /// Makes the file, which must not exist, for owner and group to read.
    /// - Throws: `.file`, `.space`, naming it.
    init(path: String) throws(MediaError) {
        let descriptor = Glibc.open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o640)
        guard descriptor >= 0 else { throw Self.failure(path, errno) }
        do {
            try self.init(owning: descriptor, path: path)
        } catch {
            Glibc.close(descriptor)
            throw error
        }
    }

    /// Begins a file that is open, and takes it over unless it throws.
    init(owning descriptor: Int32, path: String) throws(MediaError) {
        self.path = path
        self.descriptor = descriptor
        try write(WAVHeader.bytes(soundByteCount: 0), at: 0)
    }

    /// Adds sound: frames of two little-endian samples.
    mutating func append(_ bytes: [UInt8]) throws(MediaError) {
        guard soundByteCount + bytes.count <= WAVHeader.maximumSoundBytes else {
            throw MediaError(.full, "\(path): longer than the format can tell", hint: "recordings end after 37 hours")
        }
        try write(bytes, at: WAVHeader.byteCount + soundByteCount)
        soundByteCount += bytes.count
    }

    /// Makes the head true of what has been written.
    func fixHead() throws(MediaError) { try write(WAVHeader.bytes(soundByteCount: soundByteCount), at: 0) }

    func close() { Glibc.close(descriptor) }

    private func write(_ bytes: [UInt8], at place: Int) throws(MediaError) {
        var done = 0
        while done < bytes.count {
            let count = bytes.withUnsafeBytes {
                pwrite(descriptor, $0.baseAddress?.advanced(by: done), $0.count - done, off_t(place + done))
            }
            if count < 0, errno == EINTR { continue }
            guard count > 0 else { throw Self.failure(path, count == 0 ? ENOSPC : errno) }
            done += count
        }
    }

    private static func failure(_ path: String, _ code: Int32) -> MediaError {
        switch code {
        case ENOSPC, EDQUOT: MediaError(.space, path, errno: code, hint: "free some space, or move the recordings")
        case EEXIST: MediaError(.file, path, errno: code, hint: "a recording never replaces a file")
        default: MediaError(.file, path, errno: code, hint: "may the gateway write there?")
        }
    }
}
