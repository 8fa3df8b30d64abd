import Connector
import Dispatch
import Glibc

/// Keeps the notes of connections in a folder of the gateway's data: one small file each.
///
/// They are not flushed: older ones, or none, cost a provider some requests.
package final class ConnectionNoteFolder: Sendable {
    private let path: String
    /// Waits for the disk, so that nobody else does.
    private let queue = DispatchQueue(label: "connection.notes")

    /// - Parameter path: of the folder; made when something is kept.
    package init(path: String) { self.path = path }

    package func notes(of connection: ConnectionID) -> any ConnectionNotes {
        NoteFile(folder: path, path: "\(path)/\(connection.name).json", queue: queue)
    }
}

/// Why notes cannot be kept.
package struct ConnectionNoteError: Error, Sendable, Equatable, CustomStringConvertible {
    package var path: String
    package var reason: String

    package var description: String { "\(path) cannot be written: \(reason)" }
}

private struct NoteFile: ConnectionNotes {
    let folder: String
    let path: String
    let queue: DispatchQueue

    func load() async -> [UInt8]? {
        await withCheckedContinuation { continuation in
            queue.async {
                do throws(SmallFileError) {
                    continuation.resume(returning: try SmallFile.read(path))
                } catch {
                    // There is none yet, mostly; whoever asked does without.
                    continuation.resume(returning: nil)
                }
            }
        }
    }

    func save(_ bytes: [UInt8]) async throws {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try write(bytes) }) }
        }
    }

    private func write(_ bytes: [UInt8]) throws(ConnectionNoteError) {
        guard mkdir(folder, 0o700) == 0 || errno == EEXIST else { throw failure }
        let draft = path + ".new"
        let descriptor = open(draft, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0o600)
        guard descriptor >= 0 else { throw failure }
        let written = bytes.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
        guard close(descriptor) == 0, written == bytes.count, rename(draft, path) == 0 else { throw failure }
    }

    private var failure: ConnectionNoteError { ConnectionNoteError(path: path, reason: String(cString: strerror(errno))) }
}
