import Connector
import Glibc

/// Reads a case from its folder: `requests.json`, `settings.yaml`, `error.txt` where the requests are to be refused, and
/// `log.json` or `log.csv` where a page of the vendor's log follows them.
package enum CaseFolder {
    /// - Throws: `CaseFolderError`.
    package static func load(_ path: String) throws -> ConformanceCase {
        let name = path.split(separator: "/").last.map(String.init) ?? path
        return ConformanceCase(
            name: name, settings: try settings("\(path)/settings.yaml"), requests: try requests("\(path)/requests.json"),
            refusals: try statuses("\(path)/error.txt"), log: try read("\(path)/log.json") ?? read("\(path)/log.csv"))
    }

    /// The cases below a folder, by name.
    /// - Throws: `CaseFolderError`.
    package static func loadAll(below path: String) throws -> [ConformanceCase] {
        guard let names = names(in: path) else { throw CaseFolderError(path: path, problem: "is no folder") }
        let cases = names.filter { access("\(path)/\($0)/requests.json", R_OK) == 0 }
        return try cases.map { try load("\(path)/\($0)") }
    }

    /// What is in a folder, hidden files left out, in order; nil where there is no such folder.
    package static func names(in path: String) -> [String]? {
        guard let folder = opendir(path) else { return nil }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if !name.hasPrefix(".") { names.append(name) }
        }
        return names.sorted()
    }

    // MARK: The files

    private static func requests(_ path: String) throws -> [RecordedRequest] {
        guard let bytes = try read(path) else { throw CaseFolderError(path: path, problem: "is missing") }
        let requests: JSONText
        do {
            requests = try JSONText(bytes)
        } catch {
            throw CaseFolderError(path: path, problem: error.description)
        }
        return try requests.root.elements.map { node in
            guard let request = request(node) else {
                throw CaseFolderError(path: path, problem: "has a request that lacks a field")
            }
            return request
        }
    }

    private static func request(_ node: JSONNode) -> RecordedRequest? {
        guard let method = node["method"].string, let target = node["path"].string, let body = node["body"].string,
            let receivedAt = node["received_at"].string.flatMap({ Instant(rfc3339: $0) })
        else { return nil }
        let parts = target.split(separator: "?", maxSplits: 1, omittingEmptySubsequences: false).map(String.init)
        let headers = node["headers"].members.map { HeaderField(name: $0.name.lowercased(), value: $0.value.string ?? "") }
        return RecordedRequest(
            method: method, path: parts[0], query: parts.count > 1 ? parts[1] : "", headers: headers, body: Array(body.utf8),
            receivedAt: receivedAt)
    }

    /// `name: value` a line: the values as a connection has them once its references are resolved.
    private static func settings(_ path: String) throws -> [String: String] {
        var settings: [String: String] = [:]
        for line in try lines(path) ?? [] where !line.hasPrefix("#") {
            guard let colon = line.firstIndex(of: ":") else {
                throw CaseFolderError(path: path, problem: "has a line without `:`")
            }
            let value = line[line.index(after: colon)...].drop { $0 == " " }
            settings[String(line[..<colon])] = String(value)
        }
        return settings
    }

    private static func statuses(_ path: String) throws -> [Int]? {
        try lines(path)?.map { line in
            guard let status = Int(line) else { throw CaseFolderError(path: path, problem: "has a line that is no status") }
            return status
        }
    }

    private static func lines(_ path: String) throws -> [String]? {
        try read(path).map { String(decoding: $0, as: UTF8.self).split(separator: "\n").map(String.init) }
    }

    /// A file's bytes, at most 16 MB; nil where there is none.
    private static func read(_ path: String) throws -> [UInt8]? {
        guard let file = fopen(path, "rbe") else {
            guard errno == ENOENT else { throw CaseFolderError(path: path, problem: "cannot be opened") }
            return nil
        }
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 1 << 16)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 {
            bytes += chunk[..<count]
            guard bytes.count <= 16 << 20 else { throw CaseFolderError(path: path, problem: "is too large") }
        }
        guard ferror(file) == 0 else { throw CaseFolderError(path: path, problem: "cannot be read") }
        return bytes
    }
}

/// A case that cannot be read.
package struct CaseFolderError: Error, Equatable, CustomStringConvertible {
    package let path: String
    package let problem: String

    package init(path: String, problem: String) {
        self.path = path
        self.problem = problem
    }

    package var description: String { "\(path) \(problem)" }
}
