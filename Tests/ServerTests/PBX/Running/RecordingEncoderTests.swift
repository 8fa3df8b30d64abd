import Connector
import Foundation
import PBXPlan
import TestSupport
import Testing

@testable import FallbackPBX

/// What becomes of recordings after their calls.
@Suite(.timeLimit(.minutes(1)), .onItsOwnThread) struct RecordingEncoderTests {
    @Test func `a recording becomes Opus before it is told of, under the name it began with`() async throws {
        let stand = try EncoderStand()
        try stand.install(
            "opusenc", #"[ -s "$in" ] || exit 9; nice >"$out.nice"; mv "$out.nice" "${in%/*}/nice"; "# + EncoderStand.opus)
        let (encoder, record) = (stand.encoder(), try stand.recorded("c1-1.wav"))
        #expect(encoder.take(record))
        #expect(await stand.told() == record)
        #expect(stand.files == ["c1-1.opus", "nice"])
        #expect(RecordingFiles(folder: stand.folder, name: "c1-1.wav").current == stand.folder + "/c1-1.opus")
        // Behind everything else.
        #expect(stand.text("nice") == "19\n")
        #expect(encoder.counts == RecordingEncoder.Counts(waiting: 0, encoded: 1, failed: 0))
        await encoder.close()
        #expect(stand.reported == [])
    }

    @Test func `MP3 is made where the plan asks for it, and ffmpeg where nothing smaller is there`() async throws {
        let stand = try EncoderStand()
        try stand.install("ffmpeg", #"printf 'ID3' >"$out""#)
        let encoder = stand.encoder(.mp3)
        #expect(try encoder.take(stand.recorded("c1-1.wav")))
        _ = await stand.told()
        #expect(stand.files == ["c1-1.mp3"])
        await encoder.close()
    }

    @Test(arguments: [
        ("echo no such codec >&2; exit 3", "opusenc: it ended with status 3"),
        ("exit 0", "it made no file: No such file or directory"),
        (#"echo text >"$out""#, "what it made is no opus"),
    ])
    func `where it cannot be made the WAV stays, and the reason is told once`(script: String, reason: String) async throws {
        let stand = try EncoderStand()
        try stand.install("opusenc", script)
        let encoder = stand.encoder()
        for name in ["c1-1.wav", "c1-2.wav"] {
            let record = try stand.recorded(name)
            #expect(encoder.take(record))
            #expect(await stand.told() == record)
        }
        #expect(stand.files == ["c1-1.wav", "c1-2.wav"])
        #expect(stand.reported == [reason])
        #expect(encoder.counts.failed == 2)
        try stand.install("opusenc", EncoderStand.opus)
        #expect(try encoder.take(stand.recorded("c1-3.wav")))
        _ = await stand.told()
        await encoder.close()
        #expect(stand.reported == [reason, nil])
    }

    @Test func `without a program nothing is taken over, until the file is read again`() async throws {
        let stand = try EncoderStand()
        let encoder = stand.encoder()
        #expect(stand.reported == ["neither opusenc nor ffmpeg is there"])
        #expect(try !encoder.take(stand.recorded("c1-1.wav")))
        encoder.follow(.wav)
        #expect(stand.reported == ["neither opusenc nor ffmpeg is there", nil])
        #expect(try !encoder.take(stand.recorded("c1-1.wav")))
        try stand.install("opusenc", EncoderStand.opus)
        encoder.follow(.opus)
        #expect(try encoder.take(stand.recorded("c1-1.wav")))
        _ = await stand.told()
        await encoder.close()
    }

    @Test func `messages and everything that is no whole recording are told as they are`() throws {
        let stand = try EncoderStand()
        try stand.install("opusenc", "exit 1")
        let encoder = stand.encoder()
        let failed = PBXRecord.RecordingMoment(.failed, name: "c1-1.wav")
        #expect(!encoder.take(EncoderStand.record("mail.101.c1-1.wav")))
        #expect(!encoder.take(PBXRecord(call: "c1", sequence: 1, at: EncoderStand.noon, .recording(failed))))
        #expect(!encoder.take(EncoderStand.record("../c1-1.wav.x")))
        #expect(encoder.counts.waiting == 0)
    }

    @Test func `what was cut off is begun anew at the next start`() async throws {
        let stand = try EncoderStand()
        let bell = stand.programs + "/bell"
        try #require(mkfifo(bell, 0o600) == 0)
        try stand.install("opusenc", #"printf half >"$out"; echo >"\#(bell)"; exec tail -f /dev/null"#)
        let encoder = stand.encoder()
        #expect(try encoder.take(stand.recorded("c1-1.wav")))
        #expect(try encoder.take(stand.recorded("c1-2.wav")))
        // Opens when the encoder does.
        let ear = open(bell, O_RDONLY | O_CLOEXEC)
        try #require(ear >= 0)
        close(ear)
        #expect(encoder.isPending("c1-1.wav") && encoder.isPending("c1-2.wav"))
        await encoder.close()
        #expect(stand.files == ["c1-1.wav", "c1-2.wav"])
        #expect(!encoder.isPending("c1-1.wav") && !encoder.isPending("c1-2.wav"))
        #expect(try !encoder.take(stand.recorded("c1-3.wav")))

        try stand.install("opusenc", EncoderStand.opus)
        let next = stand.encoder()
        for record in CutRecordings.records(in: stand.folder, at: EncoderStand.noon) { #expect(next.take(record)) }
        for _ in 1...3 { _ = await stand.told() }
        #expect(stand.files == ["c1-1.opus", "c1-2.opus", "c1-3.opus"])
        await next.close()
    }

    @Test func `after a kill at any moment each recording is there once, and told of once`() throws {
        let stand = try EncoderStand()
        // Killed while it was made, between the new name and the end of the WAV, and before it was told of.
        for name in ["c1-1.wav", "c1-1.opus.part", "c1-2.wav", "c1-2.opus", "c1-3.mp3", "mail.101.c1-4.wav"] {
            try stand.write("x", to: name)
        }
        let records = CutRecordings.records(in: stand.folder, at: EncoderStand.noon)
        let names = records.compactMap { if case .recording(let moment) = $0.fact { moment.name } else { nil } }
        #expect(names == ["c1-1.wav", "c1-2.wav", "c1-3.wav"])
        #expect(stand.files == ["c1-1.wav", "c1-2.opus", "c1-3.mp3", "mail.101.c1-4.wav"])
    }

    @Test(arguments: [("opus", ["opusenc", "opusinfo"]), ("mp3", ["lame"]), ("opus", ["ffmpeg"]), ("mp3", ["ffmpeg"])])
    func `the programs that are installed make what they should`(format: String, programs: [String]) async throws {
        guard programs.allSatisfy(Programs.has), let format = RecordingFormat(rawValue: format) else { return }
        let stand = try EncoderStand()
        let path = (Programs.environment["PATH"] ?? "").split(separator: ":").map { "\($0)/\(programs[0])" }
        let found = try #require(path.first { access($0, X_OK) == 0 })
        try FileManager.default.createSymbolicLink(atPath: "\(stand.programs)/\(programs[0])", withDestinationPath: found)
        let encoder = stand.encoder(format)
        try Self.oneSecond.write(to: URL(fileURLWithPath: stand.folder + "/c1-1.wav"))
        #expect(encoder.take(EncoderStand.record("c1-1.wav")))
        _ = await stand.told()
        #expect(stand.reported == [])
        #expect(stand.files == ["c1-1.\(format)"])
        await encoder.close()
    }

    /// A tone on the left, silence on the right.
    private static var oneSecond: Data {
        var sound: [UInt8] = []
        for index in 0..<8000 { sound += word((index / 8) % 2 == 0 ? 8000 : -8000, 2) + word(0, 2) }
        var bytes = Array("RIFF".utf8) + word(36 + sound.count, 4) + Array("WAVEfmt ".utf8)
        for (number, count) in [(16, 4), (1, 2), (2, 2), (8000, 4), (32_000, 4), (4, 2), (16, 2)] { bytes += word(number, count) }
        bytes += Array("data".utf8) + word(sound.count, 4)
        return Data(bytes + sound)
    }

    /// A number, little end first.
    private static func word(_ number: Int, _ count: Int) -> [UInt8] {
        (0..<count).map { UInt8(truncatingIfNeeded: number >> ($0 * 8)) }
    }
}
