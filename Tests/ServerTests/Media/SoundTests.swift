import Glibc
import TestSupport
import Testing

@testable import Media

struct G711Tests {
    @Test func `known values of the recommendation`() {
        // Silence and the ends of both laws.
        #expect(G711.aLaw.encode(0) == 0xD5)
        #expect(G711.muLaw.encode(0) == 0xFF)
        #expect(G711.aLaw.decode(0xD5) == 8)
        #expect(G711.muLaw.decode(0xFF) == 0)
        #expect(G711.aLaw.decode(0xAA) == 32_256)
        #expect(G711.aLaw.decode(0x2A) == -32_256)
        #expect(G711.muLaw.decode(0x80) == 32_124)
        #expect(G711.muLaw.decode(0x00) == -32_124)
    }

    @Test(arguments: G711.allCases) func `each code comes back to itself`(law: G711) {
        for code in UInt8.min ... .max where !(law == .muLaw && code == 0x7F) {
            #expect(law.encode(law.decode(code)) == code)
        }
        // The negative zero of µ-law is the positive one.
        #expect(G711.muLaw.encode(G711.muLaw.decode(0x7F)) == 0xFF)
    }

    @Test(arguments: G711.allCases) func `a sample is within half a step, whatever it is`(law: G711) {
        for sample in stride(from: Int(Int16.min), through: Int(Int16.max), by: 7) {
            let back = Int(law.decode(law.encode(Int16(sample))))
            #expect(abs(back - sample) <= max(16, abs(sample) / 32 + 4) || abs(sample) > 32_124)
        }
        _ = (law.encode(.min), law.encode(.max))
    }

    @Test func `from one law to the other a sound stays what it is`() {
        for code in UInt8.min ... .max {
            let other = G711.muLaw.decode(G711.aLaw.converting[Int(code)])
            let own = G711.aLaw.decode(code)
            #expect(abs(Int(other) - Int(own)) <= max(16, abs(Int(own)) / 32))
        }
    }
}

struct AudioCodecTests {
    @Test func `G.711 is known by its names, whatever their case`() {
        #expect(AudioCodec(name: "pcma", clockRate: 8000) == .pcma)
        #expect(AudioCodec(name: "PCMU", clockRate: 8000) == .pcmu)
        #expect(!AudioCodec(name: "PCMA", clockRate: 16_000).isUnderstood)
        #expect(AudioCodec(name: "opus", clockRate: 48_000, channels: 2).name == "OPUS/2")
    }
}

struct AudioPlayerTests {
    private func packets(_ clip: AudioClip, rounds: Int?, law: G711 = .aLaw, limit: Int = 100) -> [[UInt8]] {
        var player = AudioPlayer(clip, rounds: rounds)
        var packets: [[UInt8]] = []
        while !player.isOver, packets.count < limit {
            var bytes = [UInt8](repeating: 0, count: 160)
            var span = bytes.mutableSpan
            player.write(into: &span, at: 0, law: law)
            packets.append(bytes)
        }
        return packets
    }

    private let clip = AudioClip(codes: (0..<200).map { UInt8($0) }, law: .aLaw)

    @Test func `a clip ends with silence up to a whole packet`() {
        let played = packets(clip, rounds: 1)
        #expect(played.count == 2)
        #expect(played.flatMap { $0 } == (0..<200).map { UInt8($0) } + [UInt8](repeating: 0xD5, count: 120))
    }

    @Test func `rounds follow one another without a gap`() {
        #expect(packets(clip, rounds: 4).count == 5)
        #expect(packets(clip, rounds: 4).flatMap { $0 } == (0..<800).map { UInt8($0 % 200) })
        #expect(packets(clip, rounds: nil, limit: 50).count == 50)
    }

    @Test func `the other law is played as such`() {
        #expect(packets(clip, rounds: 1, law: .muLaw)[0][7] == G711.aLaw.converting[7])
    }

    @Test func `nothing is over at once`() {
        #expect(packets(clip, rounds: 0).isEmpty)
        #expect(packets(AudioClip(samples: []), rounds: nil).isEmpty)
    }

    @Test func `a clip shorter than a packet goes round within it`() {
        let short = AudioClip(codes: [1, 2, 3], law: .aLaw)
        #expect(packets(short, rounds: nil, limit: 1)[0] == (0..<160).map { UInt8($0 % 3 + 1) })
    }

    @Test(arguments: [
        (Tone.ringback, 40_000, 8000), (.busy, 5600, 2800), (.congestion, 2800, 1400), (.beep, 1600, 1600),
    ])
    func `a tone sounds and rests as the network's does`(tone: Tone, length: Int, sounding: Int) {
        let samples = tone.makeClip().codes(in: .aLaw).map { G711.aLaw.decode($0) }
        #expect(samples.count == length)
        #expect(samples[..<sounding].contains { abs(Int($0)) > 8000 })
        #expect(samples[sounding...].allSatisfy { abs(Int($0)) <= 8 })
        let crossings = zip(samples[100..<sounding - 100], samples[101..<sounding - 99]).count { $0 < 0 && $1 >= 0 }
        let frequency = Double(crossings) * 8000 / Double(sounding - 200)
        #expect(abs(frequency - (tone == .beep ? 1000 : 425)) < 15)
    }
}

struct WAVReaderTests {
    static func file(
        format: UInt16 = 1, channels: UInt16 = 1, rate: UInt32 = 8000, bits: UInt16 = 16, data: [UInt8], before: [UInt8] = []
    )
        -> [UInt8]
    {
        func two(_ number: UInt16) -> [UInt8] { [UInt8(number & 0xFF), UInt8(number >> 8)] }
        func four(_ number: UInt32) -> [UInt8] { two(UInt16(number & 0xFFFF)) + two(UInt16(number >> 16)) }
        let align = channels * bits / 8
        let head = two(format) + two(channels) + four(rate) + four(rate * UInt32(align)) + two(align) + two(bits)
        let body =
            Array("WAVEfmt ".utf8) + four(UInt32(head.count)) + head + before + Array("data".utf8) + four(UInt32(data.count))
            + data
        return Array("RIFF".utf8) + four(UInt32(body.count)) + body
    }

    @Test func `16-bit PCM and both laws are read`() throws {
        let pcm = try WAVReader.clip(of: Self.file(data: [0, 0, 0, 0x10, 0, 0xF0]), path: "a.wav")
        #expect(pcm.codes(in: .aLaw) == [0, 4096, -4096].map { G711.aLaw.encode($0) })
        let aLaw = try WAVReader.clip(of: Self.file(format: 6, bits: 8, data: [1, 2, 3]), path: "a.wav")
        #expect(aLaw.codes(in: .aLaw) == [1, 2, 3])
        let muLaw = try WAVReader.clip(of: Self.file(format: 7, bits: 8, data: [1, 2, 3]), path: "a.wav")
        #expect(muLaw.codes(in: .muLaw) == [1, 2, 3])
    }

    @Test func `two channels are heard together, not louder than loud`() throws {
        let bytes = Self.file(channels: 2, data: [0, 0x10, 0, 0x10, 0, 0x70, 0, 0x70, 0, 0x80, 0, 0x80, 1, 2, 3])
        let clip = try WAVReader.clip(of: bytes, path: "a.wav")
        #expect(clip.codes(in: .aLaw) == [0x2000, 32767, -32768].map { G711.aLaw.encode(Int16($0)) })
    }

    @Test func `other parts are passed over, odd ones with their filling`() throws {
        let other = Array("LIST".utf8) + [3, 0, 0, 0, 1, 2, 3, 0]
        #expect(try WAVReader.clip(of: Self.file(data: [5, 5], before: other), path: "a.wav").sampleCount == 1)
    }

    @Test func `a file that was cut is read as far as it goes`() throws {
        let bytes = Self.file(data: [UInt8](repeating: 0, count: 100))
        #expect(try WAVReader.clip(of: Array(bytes.dropLast(31)), path: "a.wav").sampleCount == 34)
    }

    @Test(arguments: [
        (file(channels: 3, data: [0, 0]), "has format 1, 3 channels, 8000 Hz, 16 bits"),
        (file(rate: 44_100, data: [0, 0]), "44100 Hz"), (file(format: 3, bits: 32, data: [0, 0]), "format 3"),
        (file(bits: 8, data: [0, 0]), "8 bits"), (Array("ID3 mp3 something long".utf8), "not a WAV file"), ([], "not a WAV file"),
        (Array("RIFF\u{0}\u{0}\u{0}\u{0}WAVE".utf8), "holds no sound"),
        (Array("RIFF\u{0}\u{0}\u{0}\u{0}WAVEdata\u{2}\u{0}\u{0}\u{0}ab".utf8), "does not say its format"),
    ])
    func `another format is refused with the file and a remedy`(bytes: [UInt8], words: String) {
        let error = #expect(throws: MediaError.self) { try WAVReader.clip(of: bytes, path: "/sounds/x.wav") }
        #expect(error?.code == .format)
        #expect(error?.description.hasPrefix("/sounds/x.wav: ") == true)
        #expect(error?.description.contains(words) == true)
        #expect(error?.hint?.contains("sox") == true)
    }

    @Test func `random bytes never trap`() {
        var random = SeededRandom(seed: 12)
        let good = Self.file(data: [1, 2, 3, 4], before: Array("fact".utf8) + [4, 0, 0, 0, 1, 1, 1, 1])
        for _ in 0..<5000 { _ = try? WAVReader.clip(of: random.mutated(good, alphabet: [0, 255, 0x7F]), path: "x") }
    }

    @Test func `what is not there, or no file, says so`() {
        for path in ["/nowhere/at/all.wav", "/"] {
            let error = #expect(throws: MediaError.self) { try WAVReader.clip(ofFile: path, maximumBytes: 1000) }
            #expect(error?.code == .file)
            #expect(error?.description.hasPrefix(path) == true)
        }
    }
}
