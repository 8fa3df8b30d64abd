import Connector
import Foundation
import Gateway
import Testing

@Suite struct ConnectionNoteFolderTests {
    private let path = FileManager.default.temporaryDirectory.appending(path: "notes-\(UUID().uuidString)").path

    @Test func `notes are kept by connection, for the gateway's user alone`() async throws {
        defer { try? FileManager.default.removeItem(atPath: path) }
        let folder = ConnectionNoteFolder(path: path)
        let sales = folder.notes(of: ConnectionID("sales"))
        #expect(await sales.load() == nil)
        try await sales.save(Array("one".utf8))
        try await sales.save(Array("two".utf8))
        #expect(await ConnectionNoteFolder(path: path).notes(of: ConnectionID("sales")).load() == Array("two".utf8))
        #expect(await folder.notes(of: ConnectionID("shop")).load() == nil)
        #expect(try FileManager.default.contentsOfDirectory(atPath: path) == ["sales.json"])
        let rights = try FileManager.default.attributesOfItem(atPath: path + "/sales.json")[.posixPermissions] as? Int
        #expect(rights == 0o600)
    }

    @Test func `a folder that cannot be made is named`() async throws {
        let folder = ConnectionNoteFolder(path: "/dev/null/upkeep")
        let error = await #expect(throws: ConnectionNoteError.self) {
            try await folder.notes(of: ConnectionID("sales")).save([1])
        }
        #expect(error?.description == "/dev/null/upkeep/sales.json cannot be written: Not a directory")
    }
}
