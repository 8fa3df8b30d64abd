import Glibc

/// Mends recordings that a crash has cut off: their heads tell of less sound than there is.
///
/// Looks at files `*.wav` in a folder and its folders, four deep, and touches only those that begin as ours do. To be run before
/// anything is recorded. Blocks.
package enum WAVRepair {
    /// A file that has been mended.
    package struct Mended: Equatable, Sendable {
        package var path: String
        package var milliseconds: Int
    }

    private static let maximumDepth = 4

    /// Mends what is in a folder; one that is not there holds nothing.
    /// - Returns: what was mended, and what could not be, with the reason.
    package static func mend(folder: String) -> (mended: [Mended], failed: [MediaError]) {
        var (mended, failed): ([Mended], [MediaError]) = ([], [])
        for path in sounds(in: folder, depth: 0) {
            do throws(MediaError) {
                if let milliseconds = try mend(file: path) { mended.append(Mended(path: path, milliseconds: milliseconds)) }
            } catch {
                failed.append(error)
            }
        }
        return (mended, failed)
    }

    /// Mends one file; nil where there is nothing to mend.
    static func mend(file path: String) throws(MediaError) -> Int? {
        let descriptor = Glibc.open(path, O_RDWR | O_CLOEXEC | O_NOFOLLOW | O_NONBLOCK)
        guard descriptor >= 0 else { throw MediaError(.file, path, errno: errno) }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else { return nil }
        var head = [UInt8](repeating: 0, count: WAVHeader.byteCount)
        guard pread(descriptor, &head, head.count, 0) == head.count, let told = WAVHeader.soundByteCount(of: head) else {
            return nil
        }
        let found = min(Int(status.st_size) - WAVHeader.byteCount, WAVHeader.maximumSoundBytes) & ~(RecordingMix.bytesAFrame - 1)
        guard found != told else { return nil }
        let whole = WAVHeader.bytes(soundByteCount: found)
        guard pwrite(descriptor, whole, whole.count, 0) == whole.count,
            ftruncate(descriptor, off_t(WAVHeader.byteCount + found)) == 0
        else {
            throw MediaError(.file, path, errno: errno)
        }
        return found / RecordingMix.bytesAFrame * 1000 / RecordingMix.rate
    }

    private static func sounds(in folder: String, depth: Int) -> [String] {
        guard depth < maximumDepth, let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            guard !name.hasPrefix(".") else { continue }
            var status = stat()
            guard lstat("\(folder)/\(name)", &status) == 0 else { continue }
            switch status.st_mode & S_IFMT {
            case S_IFDIR: found += sounds(in: "\(folder)/\(name)", depth: depth + 1)
            case S_IFREG where name.hasSuffix(".wav"): found.append("\(folder)/\(name)")
            default: break
            }
        }
        return found.sorted()
    }
}
