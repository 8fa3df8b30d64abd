import Glibc

/// Which messages lie in which voicemail box.
///
/// The box stands in a file's name, as a mark of it, so that a PBX that starts finds the messages of the one before it. Of each box the
/// newest are kept, in a folder of their own: a recording is the store's as soon as it is whole, and no longer where it was written.
struct MessageBook {
    static let perBox = 100

    /// nil keeps nothing.
    private let folder: String?
    /// Names by mark, the oldest first.
    private var names: [String: [String]] = [:]

    init() { folder = nil }

    /// Reads the folder, which is made where there is none. Blocks.
    init(folder: String) {
        self.folder = folder
        mkdir(folder, 0o750)
        guard let stream = opendir(folder) else { return }
        defer { closedir(stream) }
        var found: [String] = []
        while let entry = readdir(stream) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) {
                $0.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if Self.mark(in: name) != nil { found.append(name) }
        }
        // Names begin with the time.
        for name in found.sorted() { add(name) }
    }

    /// The file's name of a message.
    static func name(call: String, count: Int, box: String) -> String { "\(call)-\(count)-\(mark(of: box)).wav" }

    /// A message is whole: it stays here under a second name of the same file.
    mutating func keep(_ name: String, from recordings: String) {
        guard let folder, Self.mark(in: name) != nil else { return }
        if link("\(recordings)/\(name)", "\(folder)/\(name)") == 0 { add(name) }
    }

    private mutating func add(_ name: String) {
        guard let mark = Self.mark(in: name) else { return }
        names[mark, default: []].append(name)
        guard names[mark, default: []].count > Self.perBox, let last = names[mark]?.removeFirst(), let folder else { return }
        unlink("\(folder)/\(last)")
    }

    /// Paths of the messages in all these boxes, the newest first.
    func newest(of boxes: [String]) -> [String] {
        guard let folder else { return [] }
        return boxes.flatMap { names[Self.mark(of: $0), default: []] }.sorted(by: >).map { "\(folder)/\($0)" }
    }

    // MARK: Marks

    /// A box's name may hold whatever YAML holds: FNV-1a of it may stand in a file's name.
    private static func mark(of box: String) -> String {
        let hash = box.utf8.reduce(0xCBF2_9CE4_8422_2325 as UInt64) { ($0 ^ UInt64($1)) &* 0x0000_0100_0000_01B3 }
        let digits = String(hash, radix: 16)
        return "vm" + String(repeating: "0", count: 16 - digits.count) + digits
    }

    private static func mark(in name: String) -> String? {
        guard name.hasSuffix(".wav"), let last = name.dropLast(4).split(separator: "-").last, last.count == 18,
            last.hasPrefix("vm")
        else { return nil }
        return String(last)
    }
}
