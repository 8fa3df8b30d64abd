import Glibc
import Network
import TestSupport
import Testing

@testable import Media

/// From the loop to the recorder.
struct RecordingBatchTests {
    private let now = MonotonicInstant(nanoseconds: 77)

    private func note(_ timestamp: UInt32, count: Int = 1) -> RecordingLane.Note {
        RecordingLane.Note(arrival: now, timestamp: timestamp, ssrc: 5, law: .muLaw, count: count)
    }

    private func pieces(_ batch: RecordingBatch) -> [(lane: UInt32, note: RecordingLane.Note, sound: [UInt8])] {
        var pieces: [(lane: UInt32, note: RecordingLane.Note, sound: [UInt8])] = []
        batch.forEach { pieces.append(($0, $1, Array($2))) }
        return pieces
    }

    private func push(_ courier: RecordingCourier, _ lane: RecordingLane, _ sound: [UInt8]) {
        let packet = [UInt8](repeating: 0, count: 12) + sound
        let header = RTPHeader(payloadType: 8, sequence: 1, timestamp: 1000, ssrc: 5, payloadByteCount: sound.count)
        courier.push(lane, packet.span, header.payload, header, .muLaw, at: now)
    }

    private func batches(_ inbox: RecorderInbox) -> [RecordingBatch] {
        inbox.takeAll().compactMap { if case .sound(let batch) = $0 { batch } else { nil } }
    }

    @Test func `sound comes out as it went in, long packets in pieces`() throws {
        let inbox = RecorderInbox(limit: 2)
        let courier = RecordingCourier(try EventLoop(name: "test"), inbox) {}
        push(courier, RecordingLane(number: 9), (0..<200).map { UInt8($0) })
        #expect(batches(inbox).isEmpty)
        courier.handOver()
        let found = pieces(try #require(batches(inbox).first))
        #expect(found.map(\.lane) == [9, 9])
        #expect(found.map(\.note) == [note(1000, count: 160), note(1160, count: 40)])
        #expect(found.flatMap(\.sound) == (0..<200).map { UInt8($0) })
    }

    @Test func `a recorder that is too far behind costs sound, and no waiting`() throws {
        let inbox = RecorderInbox(limit: 2)
        let courier = RecordingCourier(try EventLoop(name: "test"), inbox) {}
        let lane = RecordingLane(number: 0)
        for _ in 0..<RecordingBatch.pieces * 2 + 6 { push(courier, lane, [1]) }
        #expect(lane.lost == 6)
        let full = batches(inbox)
        #expect(full.map(\.count) == [RecordingBatch.pieces, RecordingBatch.pieces])
        for batch in full { inbox.giveBack(batch) }
        push(courier, lane, [2])
        #expect(lane.lost == 6)
        courier.handOver()
        #expect(batches(inbox).flatMap { pieces($0).map(\.sound) } == [[2]])
    }

    @Test func `what a lane brought is handed over before its end`() throws {
        let inbox = RecorderInbox(limit: 2)
        let courier = RecordingCourier(try EventLoop(name: "test"), inbox) {}
        let lane = RecordingLane(number: 3)
        push(courier, lane, [1])
        courier.seal(lane)
        let words = inbox.takeAll().map {
            switch $0 {
            case .sound: "sound"
            case .sealed(let sealed): sealed === lane ? "sealed" : "?"
            default: "?"
            }
        }
        #expect(words == ["sound", "sealed"])
    }

    @Test func `a number is a lane's until it is given back`() {
        let numbers = LaneNumbers()
        #expect([numbers.take(), numbers.take()] == [0, 1])
        numbers.giveBack(0)
        #expect([numbers.take(), numbers.take()] == [0, 2])
    }
}

/// One side's last moments.
struct RecordingWindowTests {
    /// Every place of the ring is like every other one, and what nothing came for is silence.
    @Test func `what was laid comes out, whatever its place, length and order`() {
        let window = RecordingWindow()
        var random = SeededRandom(seed: 4)
        var (wanted, frame): ([Int: UInt8], Int) = ([:], 0)
        for _ in 0..<3000 {
            let start = frame + Int.random(in: 0...RecordingWindow.capacity - 200, using: &random)
            let sound = (0..<Int.random(in: 0...160, using: &random)).map { _ in UInt8.random(in: .min ... .max, using: &random) }
            sound.withUnsafeBytes { window.lay($0, at: start, .aLaw) }
            for (index, code) in sound.enumerated() { wanted[start + index] = code }
            let end = frame + Int.random(in: 0...400, using: &random)
            while frame < end {
                let count = min(end - frame, RecordingWindow.capacity - RecordingWindow.place(of: frame))
                var frames = [Int16](repeating: 0, count: count * 2)
                frames.withUnsafeMutableBufferPointer { window.take(frame, count, into: $0, channel: 1) }
                for index in 0..<count {
                    let sample = wanted.removeValue(forKey: frame + index).map { G711.aLaw.decode($0) } ?? 0
                    #expect(frames[index * 2] == 0 && frames[index * 2 + 1] == sample)
                }
                frame += count
            }
        }
    }

    @Test func `another law turns what is there, not what comes`() {
        let window = RecordingWindow()
        ([G711.aLaw.encode(4000)] as [UInt8]).withUnsafeBytes { window.lay($0, at: 0, .aLaw) }
        ([G711.muLaw.encode(4000)] as [UInt8]).withUnsafeBytes { window.lay($0, at: 1, .muLaw) }
        var frames = [Int16](repeating: 0, count: 6)
        frames.withUnsafeMutableBufferPointer { window.take(0, 3, into: $0, channel: 0) }
        #expect(frames[2] == G711.muLaw.decode(G711.muLaw.encode(4000)))
        #expect(abs(Int(frames[0]) - 4000) < 256)
        #expect(frames[4] == 0)
    }
}

/// Two sides in time.
struct RecordingMixTests {
    /// A mix, and what has left it.
    private struct WrittenMix {
        var mix: RecordingMix
        var pending: [UInt8] = []

        init(begin: MonotonicInstant) { mix = RecordingMix(begin: begin) }

        mutating func flush(until end: Int) { mix.flush(until: end, into: &pending) }
    }

    private let begin = MonotonicInstant(nanoseconds: 5_000_000_000)

    /// A piece of 20 ms whose samples are all alike.
    private func add(
        _ mix: inout WrittenMix, _ side: RecordingMix.Side, at milliseconds: Int, timestamp: UInt32, ssrc: UInt32 = 1,
        value: UInt8
    ) {
        let note = RecordingLane.Note(
            arrival: begin.advanced(by: .milliseconds(milliseconds)), timestamp: timestamp, ssrc: ssrc, law: .aLaw, count: 160)
        [UInt8](repeating: value, count: 160).withUnsafeBytes { mix.mix.add(side, note, $0, into: &mix.pending) }
    }

    /// What has been written: pieces of 20 ms a side, each by its code or nil for silence.
    private func pieces(_ mix: WrittenMix, _ side: RecordingMix.Side) -> [UInt8?] {
        let samples = stride(from: side.rawValue * 2, to: mix.pending.count, by: 4).map {
            Int16(bitPattern: number16(mix.pending, $0))
        }
        return stride(from: 80, to: samples.count, by: 160).map { samples[$0] == 0 ? nil : G711.aLaw.encode(samples[$0]) }
    }

    @Test func `sides lie where they arrived, and silence is between`() {
        var mix = WrittenMix(begin: begin)
        add(&mix, .left, at: 20, timestamp: 1000, value: 1)
        add(&mix, .left, at: 40, timestamp: 1160, value: 2)
        add(&mix, .right, at: 60, timestamp: 7, ssrc: 2, value: 3)
        add(&mix, .left, at: 100, timestamp: 1640, value: 4)
        mix.flush(until: 960)
        #expect(pieces(mix, .left) == [nil, 1, 2, nil, nil, 4])
        #expect(pieces(mix, .right) == [nil, nil, nil, 3, nil, nil])
        #expect(mix.mix.written == 960)
    }

    @Test func `jitter does not move it, and the wrong order is put right`() {
        var mix = WrittenMix(begin: begin)
        add(&mix, .left, at: 0, timestamp: 0, value: 1)
        add(&mix, .left, at: 75, timestamp: 320, value: 3)
        add(&mix, .left, at: 76, timestamp: 160, value: 2)
        add(&mix, .left, at: 77, timestamp: 480, value: 4)
        mix.flush(until: 640)
        #expect(pieces(mix, .left) == [1, 2, 3, 4])
    }

    @Test func `what comes when its place is written is counted`() {
        var mix = WrittenMix(begin: begin)
        add(&mix, .left, at: 0, timestamp: 0, value: 1)
        add(&mix, .left, at: 40, timestamp: 320, value: 3)
        mix.flush(until: 320)
        add(&mix, .left, at: 60, timestamp: 160, value: 2)
        mix.flush(until: 480)
        #expect(pieces(mix, .left) == [1, nil, 3])
        #expect(mix.mix.late == 160)
    }

    @Test func `another source, and timestamps that part from the time, begin at their arrival`() {
        var mix = WrittenMix(begin: begin)
        add(&mix, .left, at: 0, timestamp: 0, value: 1)
        add(&mix, .left, at: 20, timestamp: 160, ssrc: 9, value: 2)
        add(&mix, .left, at: 400, timestamp: 320, ssrc: 9, value: 3)
        mix.flush(until: 3360)
        #expect(pieces(mix, .left)[0...1] == [1, 2])
        #expect(pieces(mix, .left)[20] == 3)
        #expect(pieces(mix, .left).count { $0 != nil } == 3)
    }

    @Test func `a hostile timestamp stays within the window`() {
        var mix = WrittenMix(begin: begin)
        var random = SeededRandom(seed: 8)
        for number in 0..<20_000 {
            add(
                &mix, .right, at: number, timestamp: .random(in: .min ... .max, using: &random), ssrc: UInt32(number % 3),
                value: 1)
            #expect(mix.mix.written <= number * 8 + 1600 + 160)
            mix.pending = []
        }
    }

    @Test func `an hour is no different from a second`() {
        var mix = WrittenMix(begin: begin)
        for number in 0..<180_000 {
            add(&mix, .left, at: number * 20, timestamp: UInt32(truncatingIfNeeded: 4_294_900_000 + number * 160), value: 1)
            mix.flush(until: number * 160)
            mix.pending = []
        }
        #expect(mix.mix.late == 0)
        #expect(mix.mix.written == 179_999 * 160)
    }
}

/// Files of recordings.
struct RecordingFileTests {
    private let begin = MonotonicInstant(nanoseconds: 1_000_000_000)
    private let id = RecordingID("r")

    static func bytes(_ path: String) throws -> [UInt8] {
        let file = try #require(fopen(path, "re"))
        defer { fclose(file) }
        var bytes: [UInt8] = []
        var chunk = [UInt8](repeating: 0, count: 65_536)
        while case let count = fread(&chunk, 1, chunk.count, file), count > 0 { bytes += chunk[..<count] }
        return bytes
    }

    /// 20 ms of sound.
    private func say(_ recording: Recording, at milliseconds: Int, _ scratch: inout [UInt8]) {
        let note = RecordingLane.Note(
            arrival: after(milliseconds), timestamp: UInt32(milliseconds * 8), ssrc: 5, law: .aLaw, count: 160)
        [UInt8](repeating: 0, count: 160).withUnsafeBytes { recording.take(.left, note, $0, &scratch) }
    }

    private func after(_ milliseconds: Int) -> MonotonicInstant { begin.advanced(by: .milliseconds(milliseconds)) }

    /// A recording of so long, as a crash leaves it.
    private func cutRecording(_ path: String, milliseconds: Int) throws -> Recording {
        let recording = Recording(id, into: try WAVWriter(path: path), begin: begin)
        var scratch: [UInt8] = []
        for moment in stride(from: 0, to: milliseconds, by: 20) {
            say(recording, at: moment, &scratch)
            if moment % 200 == 0 { try recording.drain(now: after(moment), &scratch) }
        }
        return recording
    }

    @Test func `the head is true each ten seconds, and at the end`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/a.wav"
        let recording = try cutRecording(path, milliseconds: 12_000)
        let told = try #require(WAVHeader.soundByteCount(of: Array(Self.bytes(path)[..<44])))
        #expect(told >= 9_000 * 32 && told <= 10_000 * 32)
        var scratch: [UInt8] = []
        try recording.finish(at: after(12_000), &scratch)
        recording.close()
        let whole = try Self.bytes(path)
        #expect(WAVHeader.soundByteCount(of: Array(whole[..<44])) == 12_000 * 32)
        #expect(whole.count == 44 + 12_000 * 32)
        #expect(recording.milliseconds == 12_000)
        #expect(recording.lost == 0)
    }

    @Test func `what a crash leaves is mended, and what is whole or not ours is left alone`() throws {
        let folder = try TemporaryFolder()
        let inner = try folder.folder("2026")
        let cut = try cutRecording("\(inner)/cut.wav", milliseconds: 5000)
        let whole = try cutRecording("\(folder.path)/whole.wav", milliseconds: 3000)
        var scratch: [UInt8] = []
        try whole.finish(at: after(3000), &scratch)
        whole.close()
        try folder.write("RIFF of another kind, long enough to have a head of so many bytes", to: "other.wav")
        try folder.write("short", to: "short.wav")
        // A frame that was cut in the middle.
        let torn = try #require(fopen("\(inner)/cut.wav", "ae"))
        fwrite([1, 2, 3] as [UInt8], 1, 3, torn)
        fclose(torn)
        let others = try ["whole.wav", "other.wav", "short.wav"].map { try Self.bytes("\(folder.path)/\($0)") }
        let result = WAVRepair.mend(folder: folder.path)
        #expect(result.failed.isEmpty)
        #expect(result.mended.map(\.path) == ["\(inner)/cut.wav"])
        let bytes = try Self.bytes("\(inner)/cut.wav")
        #expect(WAVHeader.soundByteCount(of: Array(bytes[..<44])) == bytes.count - 44)
        #expect((bytes.count - 44) % 4 == 0)
        #expect(result.mended[0].milliseconds == (bytes.count - 44) / 32)
        #expect(result.mended[0].milliseconds >= 4000)
        #expect(try ["whole.wav", "other.wav", "short.wav"].map { try Self.bytes("\(folder.path)/\($0)") } == others)
        #expect(WAVRepair.mend(folder: folder.path).mended.isEmpty)
        #expect(WAVRepair.mend(folder: "/nowhere/at/all").mended.isEmpty)
        cut.close()
    }

    @Test func `a full disk is told as such`() throws {
        let full = open("/dev/full", O_WRONLY | O_CLOEXEC)
        defer { close(full) }
        let error = #expect(throws: MediaError.self) { try WAVWriter(owning: full, path: "/recordings/a.wav") }
        #expect(error?.code == .space)
        #expect(error?.description.hasPrefix("/recordings/a.wav: No space left") == true)
    }

    @Test func `a recording never replaces a file`() throws {
        let folder = try TemporaryFolder()
        try folder.write("precious", to: "a.wav")
        let error = #expect(throws: MediaError.self) { try WAVWriter(path: "\(folder.path)/a.wav") }
        #expect(error?.code == .file)
        #expect(try Self.bytes("\(folder.path)/a.wav") == Array("precious".utf8))
    }
}

/// Recordings of streams, over real sockets.
@Suite(.onItsOwnThread) struct MediaRecordingTests {
    private func samples(_ path: String, _ side: RecordingMix.Side) throws -> [Int16] {
        let bytes = try RecordingFileTests.bytes(path)
        return stride(from: 44 + side.rawValue * 2, to: bytes.count - 1, by: 4).map { Int16(bitPattern: number16(bytes, $0)) }
    }

    private func isRecorded(_ name: RecordingID) -> (MediaEvent) -> Bool {
        { if case .recorded(name, _, _, _) = $0 { true } else { false } }
    }

    @Test func `each side is on its channel, as it was said`() throws {
        try MediaStand.with { stand in
            let folder = try TemporaryFolder()
            let path = "\(folder.path)/a.wav"
            let (alice, bob) = (try Phone(), try Phone(ssrc: 3))
            let (one, other) = try stand.bridge(alice, bob)
            let name = RecordingID("call")
            try stand.run { $0.record(name, path: path, left: one.id, right: other.id) }
            try stand.settle()
            for _ in 0..<3 {
                alice.speak(to: one, [UInt8](repeating: 0xAA, count: 160))
                bob.speak(to: other, [UInt8](repeating: 0x2A, count: 160))
                _ = (try bob.hear(), try alice.hear())
            }
            try stand.run { $0.finishRecording(name) }
            guard case .recorded(_, let byteCount, let milliseconds, let lost) = stand.wait(for: isRecorded(name)) else {
                Issue.record("not recorded")
                return
            }
            let bytes = try RecordingFileTests.bytes(path)
            #expect(bytes.count == byteCount)
            #expect(milliseconds == (byteCount - 44) / 32)
            #expect(lost == 0)
            let (left, right) = (try samples(path, .left), try samples(path, .right))
            #expect(left.allSatisfy { $0 == 0 || $0 == 32_256 })
            #expect(right.allSatisfy { $0 == 0 || $0 == -32_256 })
            // What was said ahead of its time, since the phones do not wait, is cut off by the end.
            #expect(left.contains(32_256) && right.contains(-32_256))
        }
    }

    @Test func `a recording goes on with another leg on one side`() throws {
        try MediaStand.with(loops: 2) { stand in
            let folder = try TemporaryFolder()
            let path = "\(folder.path)/a.wav"
            let (alice, bob, carol) = (try Phone(), try Phone(ssrc: 3), try Phone(ssrc: 4))
            let (one, other) = try stand.bridge(alice, bob)
            let third = try stand.open(carol)
            let name = RecordingID("call")
            try stand.run { $0.record(name, path: path, left: one.id, right: other.id) }
            try stand.settle()
            bob.speak(to: other, [UInt8](repeating: 0xAA, count: 160))
            _ = try alice.hear()
            try stand.run { plane in
                plane.bridge(one.id, third.id)
                plane.changeRecording(name, left: one.id, right: third.id)
                plane.close(other.id)
            }
            try stand.settle()
            for _ in 0..<2 {
                carol.speak(to: third, [UInt8](repeating: 0x2A, count: 160))
                alice.speak(to: one, [UInt8](repeating: 0xAA, count: 160))
                _ = (try alice.hear(), try carol.hear())
            }
            // Until what was said has passed: the recording ends at a later moment than its sound.
            try stand.run { $0.play(one.id, .silence(milliseconds: 100)) }
            #expect(stand.wait { $0 == .played(one.id) } != nil)
            try stand.run { $0.finishRecording(name) }
            #expect(stand.wait(for: isRecorded(name)) != nil)
            let right = try samples(path, .right)
            #expect(right.count { $0 == 32_256 } == 160)
            #expect(right.count { $0 == -32_256 } == 320)
            #expect(try samples(path, .left).count { $0 == 32_256 } == 320)
        }
    }

    @Test func `a stream that closes leaves its side silent, and the end of all ends a recording`() throws {
        let folder = try TemporaryFolder()
        let path = "\(folder.path)/a.wav"
        let name = RecordingID("call")
        let stand = try MediaStand()
        let alice = try Phone()
        let one = try stand.open(alice)
        try stand.run { plane in
            plane.record(name, path: path, left: one.id, right: nil)
            plane.close(one.id)
        }
        stand.end()
        #expect(stand.events.contains(where: isRecorded(name)))
        let bytes = try RecordingFileTests.bytes(path)
        #expect(WAVHeader.soundByteCount(of: Array(bytes[..<44])) == bytes.count - 44)
    }

    @Test func `a file that cannot be made is told, and the name is free again`() throws {
        try MediaStand.with { stand in
            let folder = try TemporaryFolder()
            let one = try stand.open(try Phone())
            let name = RecordingID("call")
            try stand.run { $0.record(name, path: "/nowhere/a.wav", left: one.id, right: nil) }
            #expect(stand.wait { if case .recordingFailed(name, let error) = $0 { error.code == .file } else { false } } != nil)
            try stand.run { $0.record(name, path: "\(folder.path)/a.wav", left: one.id, right: nil) }
            try stand.run { $0.record(name, path: "\(folder.path)/b.wav", left: one.id, right: nil) }
            #expect(
                stand.wait { if case .recordingFailed(_, let error) = $0 { error.context.contains("already") } else { false } }
                    != nil)
            try stand.run { $0.finishRecording(name) }
            #expect(stand.wait(for: isRecorded(name)) != nil)
        }
    }

    @Test func `a codec that cannot be written down ends a recording with a reason`() throws {
        try MediaStand.with { stand in
            let folder = try TemporaryFolder()
            let one = try stand.open(try Phone()) {
                ($0.codec, $0.payloadTypeIn) = (AudioCodec(name: "G729", clockRate: 8000), 18)
            }
            let (name, path) = (RecordingID("call"), "\(folder.path)/a.wav")
            try stand.run { $0.record(name, path: path, left: one.id, right: nil) }
            #expect(stand.wait { if case .recordingFailed(name, let error) = $0 { error.code == .codec } else { false } } != nil)
        }
    }

    @Test func `no more recordings than may be`() throws {
        try MediaStand.with({ $0.maximumRecordings = 1 }) { stand in
            let folder = try TemporaryFolder()
            for name in ["a", "b"] {
                let path = "\(folder.path)/\(name).wav"
                try stand.run { $0.record(RecordingID(name), path: path, left: nil, right: nil) }
            }
            #expect(
                stand.wait { if case .recordingFailed(RecordingID("b"), let error) = $0 { error.code == .full } else { false } }
                    != nil)
        }
    }
}
