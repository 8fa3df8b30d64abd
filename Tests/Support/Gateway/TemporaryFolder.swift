import Glibc

/// Something a test needs from the system and did not get.
package struct SystemFailure: Error, CustomStringConvertible {
    package let description: String

    package init(_ description: String) { self.description = description }

    /// What the system said last about `what`.
    package static func last(_ what: String) -> SystemFailure { SystemFailure("\(what): \(String(cString: strerror(errno)))") }
}

/// A folder of its own for one test; gone with everything in it when the last reference goes.
package final class TemporaryFolder: Sendable {
    package let path: String

    /// Under `TMPDIR`, else `/tmp`: short enough for the name of a Unix socket.
    package init() throws {
        let base = getenv("TMPDIR").map { String(cString: $0) } ?? "/tmp"
        var template = Array("\(base)/kommutator-XXXXXX".utf8CString)
        guard let made = mkdtemp(&template) else { throw SystemFailure.last("mkdtemp") }
        path = String(cString: made)
    }

    deinit { Self.removeAll(path) }

    /// Best effort: what stays is the system's to clean up.
    private static func removeAll(_ path: String) {
        if unlink(path) == 0 { return }
        guard let folder = opendir(path) else { return }
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { removeAll("\(path)/\(name)") }
        }
        closedir(folder)
        rmdir(path)
    }

    /// The folder of that name, made where it is missing.
    package func folder(_ name: String) throws -> String {
        let path = "\(path)/\(name)"
        guard mkdir(path, 0o700) == 0 || errno == EEXIST else { throw SystemFailure.last(path) }
        return path
    }

    /// Writes a whole file, in one step for whoever watches the folder.
    package func write(_ text: String, to name: String) throws {
        let path = "\(path)/\(name)"
        // Not beside it: a file that appears in a watched folder is a connection.
        let draft = "\(self.path)/draft"
        guard let file = fopen(draft, "w") else { throw SystemFailure.last(draft) }
        let isWritten = fputs(text, file) >= 0
        guard fclose(file) == 0, isWritten, rename(draft, path) == 0 else { throw SystemFailure.last(path) }
    }
}
