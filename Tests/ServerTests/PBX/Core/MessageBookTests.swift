import Foundation
import Testing

@testable import FallbackPBX

/// Messages in voicemail boxes.
struct MessageBookTests {
    @Test func `messages of several boxes come the newest first`() {
        var book = MessageBook()
        let names = [("b1", "sales"), ("b2", "склад"), ("b3", "sales")].map { MessageBook.name(call: $0, count: 1, box: $1) }
        for name in names { book.add(name) }
        #expect(book.newest(of: ["sales", "склад"]) == [names[2], names[1], names[0]])
        #expect(book.newest(of: ["sales"]) == [names[2], names[0]])
        #expect(book.newest(of: ["nobody"]).isEmpty)
    }

    @Test func `a box keeps its newest hundred in mind`() {
        var book = MessageBook()
        for count in 1000..<1200 { book.add(MessageBook.name(call: "b\(count)", count: 1, box: "sales")) }
        let found = book.newest(of: ["sales"])
        #expect(found.count == MessageBook.perBox)
        #expect(found.first?.hasPrefix("b1199-") == true)
        #expect(found.last?.hasPrefix("b1100-") == true)
    }

    @Test func `what is no message is none`() {
        var book = MessageBook()
        for name in ["b1-1.wav", "vm.wav", "b1-1-vm00.wav", "b1-1-vm0000000000000000.mp3", ""] { book.add(name) }
        #expect(book.newest(of: ["sales", ""]).isEmpty)
    }

    @Test func `messages are found again after a restart`() throws {
        let folder = FileManager.default.temporaryDirectory.appendingPathComponent("messages-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: folder, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: folder) }
        let names = ["b1", "b2"].map { MessageBook.name(call: $0, count: 1, box: "a/../b") }
        for name in names + ["b3-1.wav"] { try Data().write(to: folder.appendingPathComponent(name)) }
        #expect(MessageBook(folder: folder.path).newest(of: ["a/../b"]) == names.reversed())
        #expect(MessageBook(folder: folder.path + "/absent").newest(of: ["a/../b"]).isEmpty)
    }
}
