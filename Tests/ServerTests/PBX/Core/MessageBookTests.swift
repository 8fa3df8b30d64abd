import Foundation
import Testing

@testable import FallbackPBX

/// Messages in voicemail boxes.
final class MessageBookTests {
    private let recordings = FileManager.default.temporaryDirectory.appendingPathComponent("messages-\(UUID().uuidString)").path
    private var folder: String { recordings + "/voicemail" }

    init() throws { try FileManager.default.createDirectory(atPath: recordings, withIntermediateDirectories: true) }

    deinit { try? FileManager.default.removeItem(atPath: recordings) }

    /// Records a message, keeps it, and lets the recording go, as the store does.
    private func leave(_ call: String, _ box: String, in book: inout MessageBook) throws {
        let name = MessageBook.name(call: call, count: 1, box: box)
        try Data(call.utf8).write(to: URL(fileURLWithPath: recordings + "/" + name))
        book.keep(name, from: recordings)
        try FileManager.default.removeItem(atPath: recordings + "/" + name)
    }

    private func words(_ book: MessageBook, _ boxes: [String]) -> [String] {
        book.newest(of: boxes).map { (try? String(contentsOfFile: $0, encoding: .utf8)) ?? "gone" }
    }

    @Test func `messages of several boxes come the newest first`() throws {
        var book = MessageBook(folder: folder)
        for (call, box) in [("b1", "sales"), ("b2", "склад"), ("b3", "sales")] { try leave(call, box, in: &book) }
        #expect(words(book, ["sales", "склад"]) == ["b3", "b2", "b1"])
        #expect(words(book, ["sales"]) == ["b3", "b1"])
        #expect(words(book, ["nobody"]).isEmpty)
    }

    @Test func `a box keeps its newest hundred`() throws {
        var book = MessageBook(folder: folder)
        for count in 1000..<1150 { try leave("b\(count)", "sales", in: &book) }
        #expect(words(book, ["sales"]) == (1050..<1150).reversed().map { "b\($0)" })
        #expect(try FileManager.default.contentsOfDirectory(atPath: folder).count == MessageBook.perBox)
    }

    @Test func `messages are found again after a restart`() throws {
        var book = MessageBook(folder: folder)
        for call in ["b1", "b2"] { try leave(call, "a/../b", in: &book) }
        #expect(words(MessageBook(folder: folder), ["a/../b"]) == ["b2", "b1"])
    }

    @Test func `what is no message is not kept`() {
        var book = MessageBook(folder: folder)
        for name in ["b1-1.wav", "vm.wav", "b1-1-vm00.wav", "../b1-1.wav", ""] { book.keep(name, from: recordings) }
        book.keep(MessageBook.name(call: "absent", count: 1, box: "sales"), from: recordings)
        #expect(book.newest(of: ["sales", ""]).isEmpty)
        #expect(MessageBook().newest(of: ["sales"]).isEmpty)
    }
}
