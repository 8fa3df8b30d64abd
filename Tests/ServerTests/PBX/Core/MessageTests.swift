import Connector
import Glibc
import Media
import NetworkTypes
import PBXPlan
import TestSupport
import Testing

@testable import FallbackPBX
@testable import SIP

/// Voicemail from the message to the lamp, and what is left of recordings after a crash.
struct MessageTests {
    private static func plan() -> DialPlan {
        var plan = DialPlan()
        plan.extensions["101"] = PlanExtension(number: "101", secret: PlanSecret("secret-101"))
        var box = VoicemailBox(name: "sales")
        box.owners = ["101"]
        plan.voicemail["sales"] = box
        plan.incoming.other = [.voicemail("sales")]
        return plan
    }

    private func leaveMessage(_ bench: PBXBench, _ trunk: PBXBench.Peer, from caller: String) throws {
        let leg = try bench.call(from: trunk, to: "74950000001", as: caller)
        bench.media.finishPlaying()
        bench.settle()
        bench.hangUp(trunk, leg)
    }

    /// What the telephone was told last of its messages.
    private func lamp(_ phone: PBXBench.Peer) -> String? {
        let bodies = phone.events.compactMap { event -> String? in
            guard case .request(let message, _, _) = event, message.method == .notify else { return nil }
            return String(decoding: message.body, as: UTF8.self)
        }
        return bodies.last.flatMap { $0.split(separator: "\r\n").last }.map(String.init)
    }

    @Test func `a message lights the lamp, is heard newest first, and can be thrown away`() throws {
        let bench = PBXBench(Self.plan())
        let phone = try bench.phone("101")
        let trunk = try bench.trunk("carrier")
        try leaveMessage(bench, trunk, from: "79000000102")
        bench.wait(.seconds(60))
        try leaveMessage(bench, trunk, from: "79000000103")
        #expect(lamp(phone) == "Voice-Message: 2/0 (0/0)")
        let names = bench.core.messages.messages(of: ["sales"]).map(\.name)
        #expect(names.count == 2)
        try bench.call(from: phone, to: "*97")
        let caller = try #require(bench.core.calls.values.first?.caller)
        bench.media.finishPlaying()
        bench.settle()
        #expect(bench.media.playing[caller.stream] == .file(bench.core.messages.path(names[0])))
        bench.media.finishPlaying()
        bench.settle()
        #expect(lamp(phone) == "Voice-Message: 1/1 (0/0)")
        bench.media.press("7", on: caller.stream)
        bench.settle()
        #expect(lamp(phone) == "Voice-Message: 0/1 (0/0)")
        #expect(bench.core.messages.messages(of: ["sales"]).map(\.name) == [names[0]])
        bench.media.finishPlaying()
        bench.settle()
        #expect(bench.core.calls.isEmpty)
        #expect(bench.leftovers == "")
    }

    @Test func `the names of recordings tell their call and their box`() {
        for name in [
            PBXRecordingName(call: "lx1-2-ab", number: 3), PBXRecordingName(call: "lx1-2-ab", number: 1, box: "sales-2"),
        ] {
            #expect(PBXRecordingName(name.text) == name)
        }
        for text in [
            "", ".wav", "-1.wav", "a-0.wav", "a-b.wav", "mail.sales.wav", "post.sales.a-1.wav", "a-1.mp3", "a.b.c.d-1.wav",
        ] {
            #expect(PBXRecordingName(text) == nil, "\(text)")
        }
    }

    private func inFolder(_ body: (String) throws -> Void) throws {
        var template = Array("/tmp/kommutator-messages-XXXXXX".utf8CString)
        let folder = try #require(mkdtemp(&template).map { String(cString: $0) })
        defer {
            for file in PBXFolder.files(in: folder) { unlink("\(folder)/\(file)") }
            rmdir(folder)
        }
        try body(folder)
    }

    private func write(_ bytes: [UInt8], to path: String) throws {
        let file = try #require(fopen(path, "w"))
        defer { fclose(file) }
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
    }

    @Test func `what was heard and what was thrown away is known after a restart`() throws {
        try inFolder { folder in
            let names = ["a1-1-x", "a2-1-x", "a3-1-x"].map { PBXRecordingName(call: $0, number: 1, box: "sales") }
            for name in names { try write([1], to: "\(folder)/\(name.text)") }
            let shelf = MessageShelf(folder: folder, MessageShelf.look(into: folder))
            shelf.markHeard(names[0])
            shelf.throwAway(names[1])
            MessageShelf.settle()
            #expect(access("\(folder)/\(names[1].text)", F_OK) == 0, "its copy may not be taken yet")
            let again = MessageShelf(folder: folder, MessageShelf.look(into: folder))
            #expect(
                again.messages(of: ["sales"]) == [.init(name: names[2], isHeard: false), .init(name: names[0], isHeard: true)])
            #expect(access("\(folder)/\(names[1].text)", F_OK) != 0)
        }
    }

    @Test func `a box holds so many messages, and the oldest goes`() throws {
        try inFolder { folder in
            let shelf = MessageShelf(folder: folder)
            for number in 0...MessageShelf.limit {
                shelf.add(PBXRecordingName(call: "a\(1000 + number)-1-x", number: 1, box: "sales"))
            }
            MessageShelf.settle()
            let messages = shelf.messages(of: ["sales"])
            #expect(messages.count == MessageShelf.limit)
            #expect(messages.last?.name.call == "a1001-1-x")
        }
    }

    @Test func `recordings that a crash left are told of; messages that were whole are not told twice`() throws {
        try inFolder { folder in
            try write([1], to: "\(folder)/lx1-2-ab-1.wav")
            try write([1], to: "\(folder)/mail.sales.lx1-3-ab-1.wav")
            try write([1], to: "\(folder)/notes.txt")
            let records = CutRecordings.records(in: folder, at: Instant(milliseconds: 5))
            #expect(records.map(\.call) == ["lx1-2-ab"])
            guard case .recording(let moment)? = records.first?.fact else {
                Issue.record("it tells of a recording")
                return
            }
            #expect(moment.phase == .completed)
            #expect(moment.name == "lx1-2-ab-1.wav")
        }
    }
}
