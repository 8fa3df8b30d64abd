import Connector
import Digests
import Glibc
import TestSupport
import Testing

@testable import Recordings

struct FileRecordingStoreTests {
    private static func make(_ folder: TemporaryFolder, spare: Int64 = 0) throws -> FileRecordingStore {
        try FileRecordingStore(path: folder.path + "/recordings", spare: spare)
    }

    @discardableResult
    private static func put(_ text: String, into store: FileRecordingStore, until: Instant? = nil) throws -> String {
        let draft = try store.begin()
        for byte in text.utf8 { try withUnsafeBytes(of: byte) { try draft.receive($0) } }
        return try draft.finish(keptUntil: until).sha256
    }

    /// Names in a folder, sorted.
    private static func names(_ path: String) -> [String] {
        guard let folder = opendir(path) else { return [] }
        defer { closedir(folder) }
        var names: [String] = []
        while let entry = readdir(folder) {
            let name = withUnsafePointer(to: &entry.pointee.d_name) { name in
                name.withMemoryRebound(to: CChar.self, capacity: 256) { String(cString: $0) }
            }
            if name != ".", name != ".." { names.append(name) }
        }
        return names.sorted()
    }

    @Test func `a file lies under the hash of its content, for its owner alone`() throws {
        let folder = try TemporaryFolder()
        let store = try Self.make(folder)
        let draft = try store.begin()
        try Array("hello".utf8).withUnsafeBytes { try draft.receive($0) }
        let (sha256, byteCount) = try draft.finish(keptUntil: nil)
        #expect(byteCount == 5)
        #expect(sha256 == Digest.hash("hello", .sha256).hex)
        let path = "\(folder.path)/recordings/\(sha256.prefix(2))/\(sha256.dropFirst(2))"
        var status = stat()
        #expect(stat(path, &status) == 0)
        #expect(status.st_mode & 0o777 == 0o600)
        let stored = try #require(try store.open(sha256))
        #expect(stored.byteCount == 5)
        #expect(try stored.read(from: 0, count: 100) == Array("hello".utf8))
        #expect(try stored.read(from: 3, count: 1) == Array("l".utf8))
        #expect(try stored.read(from: 5, count: 1) == [])
    }

    @Test func `what is not finished is nowhere, and its draft goes`() throws {
        let folder = try TemporaryFolder()
        let store = try Self.make(folder)
        do {
            let draft = try store.begin()
            try Array("half".utf8).withUnsafeBytes { try draft.receive($0) }
            #expect(Self.names(folder.path + "/recordings/drafts").count == 1)
        }
        #expect(Self.names(folder.path + "/recordings/drafts").isEmpty)
        #expect(Self.names(folder.path + "/recordings") == ["drafts"])
    }

    @Test func `drafts that a crash left are thrown away at the start, whole files stay`() throws {
        let folder = try TemporaryFolder()
        let kept = try Self.put("kept", into: try Self.make(folder))
        try folder.write("half", to: "recordings/drafts/0123")
        let store = try Self.make(folder)
        #expect(Self.names(folder.path + "/recordings/drafts").isEmpty)
        #expect(try store.open(kept) != nil)
    }

    @Test func `the same content is stored once`() throws {
        let folder = try TemporaryFolder()
        let store = try Self.make(folder)
        let first = try Self.put("same", into: store)
        #expect(try Self.put("same", into: store) == first)
        #expect(Self.names("\(folder.path)/recordings/\(first.prefix(2))") == [String(first.dropFirst(2))])
        #expect(Self.names(folder.path + "/recordings/drafts").isEmpty)
    }

    @Test func `many threads that store the same content leave one file`() throws {
        let folder = try TemporaryFolder()
        let store = try Self.make(folder)
        let names = Threads.gather(8) { _ in try? Self.put("same for all", into: store) }
        #expect(Set(names) == [Digest.hash("same for all", .sha256).hex])
        #expect(Self.names(folder.path + "/recordings").count == 2)
    }

    @Test(arguments: [
        "", "..", "../../etc/passwd", String(repeating: "A", count: 64), String(repeating: "g", count: 64), "ab/cd",
    ])
    func `what is no digest names nothing`(name: String) throws {
        let folder = try TemporaryFolder()
        let store = try Self.make(folder)
        #expect(try store.open(name) == nil)
        #expect(try store.remove(name, expiredAt: .latest) == false)
    }

    @Test func `a file goes when its time is over, of several the latest`() throws {
        let folder = try TemporaryFolder()
        let store = try Self.make(folder)
        let (early, late) = (Instant.base, Instant.base.advanced(by: .seconds(60)))
        let name = try Self.put("old", into: store, until: late)
        #expect(try Self.put("old", into: store, until: early) == name)
        #expect(try store.remove(name, expiredAt: early) == false)
        let kept = try Self.put("kept", into: store, until: early)
        try Self.put("kept", into: store)
        #expect(try store.remove(kept, expiredAt: late) == false)
        let open = try #require(try store.open(name))
        #expect(try store.remove(name, expiredAt: late))
        #expect(try store.open(name) == nil)
        #expect(try open.read(from: 0, count: 3) == Array("old".utf8), "who reads it reads on")
        #expect(try store.remove(name, expiredAt: .latest), "what is gone is gone")
    }

    @Test func `nothing is begun where the disk has no room to spare`() throws {
        let folder = try TemporaryFolder()
        let store = try Self.make(folder, spare: .max)
        let error = #expect(throws: RecordingStoreError.self) { try store.begin() }
        #expect(error?.code == .full)
    }

    @Test func `a folder that cannot be made is an error with a reason`() throws {
        let folder = try TemporaryFolder()
        try folder.write("a file", to: "recordings")
        let error = #expect(throws: RecordingStoreError.self) { try Self.make(folder) }
        #expect(error?.code == .inputOutput)
    }

    /// `/dev/full` takes no byte.
    @Test func `a disk that fills up ends the draft as full`() throws {
        let folder = try TemporaryFolder()
        let store = try Self.make(folder)
        let descriptor = open("/dev/full", O_WRONLY)
        try #require(descriptor >= 0)
        let draft = FileRecordingDraft(store: store, path: folder.path + "/none", descriptor: descriptor)
        #expect(throws: RecordingStoreError.self) { try Array("x".utf8).withUnsafeBytes { try draft.receive($0) } }
        #expect(draft.failure?.code == .full)
        #expect(throws: RecordingStoreError.self) { try draft.finish(keptUntil: nil) }
    }
}
