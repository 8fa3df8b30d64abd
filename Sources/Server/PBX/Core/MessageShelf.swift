import Dispatch
import Glibc

/// The messages of the voicemail boxes: which files there are, which of them were heard, which are to go.
///
/// An index over the files, made at the start and kept up; signs beside the files (`.heard`, `.gone`) outlive the process. The disk is
/// touched on a queue of its own. Confined to the signalling loop.
final class MessageShelf {
    struct Message: Equatable, Sendable {
        let name: PBXRecordingName
        var isHeard: Bool
    }

    private let folder: String
    /// By box, the newest first.
    private var boxes: [String: [Message]] = [:]
    /// Of a box; the oldest goes for one more.
    static let limit = 200
    private static let disk = DispatchQueue(label: "pbx.messages")

    /// - Parameter found: what `look` found.
    init(folder: String, _ found: [Message] = []) {
        self.folder = folder
        for message in found { if let box = message.name.box { boxes[box, default: []].append(message) } }
        for box in boxes.keys { boxes[box]?.sort { Self.isNewer($0.name, $1.name) } }
    }

    /// What lies in a folder. Messages that were thrown away are removed. Blocks: before the PBX begins.
    static func look(into folder: String) -> [Message] {
        let files = Set(PBXFolder.files(in: folder))
        return files.compactMap { file in
            guard let name = PBXRecordingName(file), name.box != nil else { return nil }
            guard !files.contains(file + ".gone") else {
                remove(file, in: folder)
                return nil
            }
            return Message(name: name, isHeard: files.contains(file + ".heard"))
        }
    }

    /// Calls are named by the time at which they began.
    private static func isNewer(_ one: PBXRecordingName, _ other: PBXRecordingName) -> Bool {
        (one.call.utf8.count, one.call, one.number) > (other.call.utf8.count, other.call, other.number)
    }

    // MARK: Asking

    /// The messages of boxes, the newest first.
    func messages(of names: [String]) -> [Message] {
        names.flatMap { boxes[$0] ?? [] }.sorted { Self.isNewer($0.name, $1.name) }
    }

    func path(_ name: PBXRecordingName) -> String { folder + "/" + name.text }

    // MARK: Changing

    func add(_ name: PBXRecordingName) {
        guard let box = name.box else { return }
        boxes[box, default: []].insert(Message(name: name, isHeard: false), at: 0)
        while let oldest = boxes[box]?.last, boxes[box]?.count ?? 0 > Self.limit { throwAway(oldest.name) }
    }

    func markHeard(_ name: PBXRecordingName) {
        guard let box = name.box, let place = boxes[box]?.firstIndex(where: { $0.name == name && !$0.isHeard }) else { return }
        boxes[box]?[place].isHeard = true
        sign(name, "heard")
    }

    /// The file itself goes at the next start: until then the gateway may still have to take its copy.
    func throwAway(_ name: PBXRecordingName) {
        guard let box = name.box else { return }
        boxes[box]?.removeAll { $0.name == name }
        sign(name, "gone")
    }

    /// A sign that cannot be written costs the memory of it and nothing else.
    private func sign(_ name: PBXRecordingName, _ sign: String) {
        let path = "\(path(name)).\(sign)"
        Self.disk.async {
            let descriptor = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0o640)
            if descriptor >= 0 { close(descriptor) }
        }
    }

    private static func remove(_ file: String, in folder: String) {
        for suffix in ["", ".heard", ".gone"] { unlink("\(folder)/\(file)\(suffix)") }
    }

    /// Waits until the signs are written.
    static func settle() { disk.sync {} }
}

/// What lies in the folder of recordings.
enum PBXFolder {
    /// The names of what is there, in no order; nothing of a folder that is not. Blocks.
    static func files(in folder: String) -> [String] {
        guard let stream = opendir(folder) else { return [] }
        defer { closedir(stream) }
        var files: [String] = []
        while let entry = readdir(stream) {
            files.append(
                withUnsafePointer(to: &entry.pointee.d_name) {
                    $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
                })
        }
        return files.filter { !$0.hasPrefix(".") }
    }
}
