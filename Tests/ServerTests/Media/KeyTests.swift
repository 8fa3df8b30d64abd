import TestSupport
import Testing

@testable import Media

/// Keys in packets.
struct TelephoneEventTests {
    @Test func `an event reads back as it was written`() throws {
        var bytes = [UInt8](repeating: 0, count: 6)
        var span = bytes.mutableSpan
        TelephoneEvent(code: 11, isEnd: true, duration: 800).write(into: &span, at: 1)
        #expect(bytes == [0, 11, 0x8A, 3, 0x20, 0])
        let event = try #require(TelephoneEvent(of: bytes, 1..<5))
        #expect(event == TelephoneEvent(code: 11, isEnd: true, duration: 800))
        #expect(event.key == "#")
        #expect(TelephoneEvent(of: bytes, 1..<4) == nil)
    }

    @Test func `keys have their numbers`() {
        #expect("0123456789*#ABCD".compactMap { TelephoneEvent.code(of: $0) } == Array(0..<16))
        #expect(TelephoneEvent.code(of: "d") == 15)
        for other in "xß w+é" { #expect(TelephoneEvent.code(of: other) == nil) }
        #expect(TelephoneEvent(code: 16, isEnd: false, duration: 0).key == nil)
    }
}

struct KeyReceiverTests {
    private func event(_ code: UInt8, end: Bool = false) -> TelephoneEvent {
        TelephoneEvent(code: code, isEnd: end, duration: 160)
    }

    @Test func `many packets are one press`() {
        var receiver = KeyReceiver()
        let pressed = [false, false, true, true, true].compactMap { receiver.note(event(5, end: $0), ssrc: 1, timestamp: 1000) }
        #expect(pressed == [5])
    }

    @Test func `the same key again is another press`() {
        var receiver = KeyReceiver()
        #expect(receiver.note(event(5), ssrc: 1, timestamp: 1000) == 5)
        #expect(receiver.note(event(5), ssrc: 1, timestamp: 3000) == 5)
    }

    @Test func `an end alone is a press, and what comes late of an earlier one is none`() {
        var receiver = KeyReceiver()
        #expect(receiver.note(event(1, end: true), ssrc: 1, timestamp: 1000) == 1)
        #expect(receiver.note(event(2), ssrc: 1, timestamp: 3000) == 2)
        #expect(receiver.note(event(1, end: true), ssrc: 1, timestamp: 1000) == nil)
        #expect(receiver.note(event(2, end: true), ssrc: 1, timestamp: 3000) == nil)
    }

    @Test func `another source counts for itself`() {
        var receiver = KeyReceiver()
        #expect(receiver.note(event(1), ssrc: 1, timestamp: 1000) == 1)
        #expect(receiver.note(event(1), ssrc: 2, timestamp: 50) == 1)
    }

    @Test func `a timestamp that stands still is told by the key`() {
        var receiver = KeyReceiver()
        #expect(receiver.note(event(1, end: true), ssrc: 1, timestamp: 7) == 1)
        #expect(receiver.note(event(2), ssrc: 1, timestamp: 7) == 2)
        #expect(receiver.note(event(2, end: true), ssrc: 1, timestamp: 7) == nil)
    }

    @Test func `a flash of the hook is no key`() {
        var receiver = KeyReceiver()
        #expect(receiver.note(event(16), ssrc: 1, timestamp: 7) == nil)
    }
}

struct KeySenderTests {
    @Test func `a key is told six times, its end three times, and a pause follows`() {
        var sender = KeySender()
        sender.add([7, 8])
        var steps: [KeySender.Step?] = []
        while sender.isActive { steps.append(sender.next()) }
        #expect(steps.count == 22)
        let first = steps[..<8].compactMap { $0 }
        #expect(first.map(\.event.code) == Array(repeating: 7, count: 8))
        #expect(first.map(\.event.duration) == [160, 320, 480, 640, 800, 960, 960, 960])
        #expect(first.map(\.event.isEnd) == [false, false, false, false, false, true, true, true])
        #expect(first.map(\.begins) == [true] + [Bool](repeating: false, count: 7))
        #expect(steps[8..<11].allSatisfy { $0 == nil })
        #expect(steps[11]?.event.code == 8)
        #expect(sender.next() == nil)
    }

    @Test func `no more wait than may`() {
        var sender = KeySender()
        sender.add([UInt8](repeating: 1, count: 1000))
        var presses = 0
        while sender.isActive { presses += sender.next()?.begins == true ? 1 : 0 }
        #expect(presses == KeySender.maximumWaiting)
    }
}

struct KeyToneDetectorTests {
    /// What is heard in samples, listened to in packets of 20 ms.
    private func heard(_ samples: [Int16], law: G711 = .aLaw) -> [Character] {
        var detector = KeyToneDetector()
        let codes = samples.map(law.encode)
        var keys: [Character] = []
        for start in stride(from: 0, to: codes.count, by: 160) {
            let packet = Array(codes[start..<min(start + 160, codes.count)])
            if let code = detector.listen(packet.span, 0..<packet.count, law: law) { keys.append(TelephoneEvent.keys[Int(code)]) }
        }
        return keys
    }

    private func decoded(_ code: Int, law: G711) -> [Int16] { KeyTones.clips[code].codes(in: law).map { law.decode($0) } }

    @Test(arguments: G711.allCases) func `each key is heard once`(law: G711) {
        let samples = (0..<16).flatMap { decoded($0, law: law) }
        #expect(heard(samples, law: law) == TelephoneEvent.keys)
    }

    @Test func `the same key twice is heard twice, a long one once`() {
        #expect(heard(decoded(5, law: .aLaw) + decoded(5, law: .aLaw)) == ["5", "5"])
        let long = Waveform(frequencies: [770, 1336], amplitude: 6000).samples(16_000)
        #expect(heard(long) == ["5"])
    }

    @Test func `quiet keys are heard, too quiet ones are not`() {
        #expect(heard(Waveform(frequencies: [697, 1209], amplitude: 500).samples(800)) == ["1"])
        #expect(heard(Waveform(frequencies: [697, 1209], amplitude: 60).samples(800)) == [])
    }

    @Test func `tones of the network, noise and one frequency alone are no keys`() {
        for tone in Tone.allCases { #expect(heard(tone.makeClip().codes(in: .aLaw).map { G711.aLaw.decode($0) }) == []) }
        var random = SeededRandom(seed: 4)
        #expect(heard((0..<80_000).map { _ in Int16.random(in: -12_000...12_000, using: &random) }) == [])
        #expect(heard(Waveform(frequencies: [697], amplitude: 9000).samples(8000)) == [])
        #expect(heard(Waveform(frequencies: [697, 770, 1209], amplitude: 5000).samples(8000)) == [])
    }

    @Test func `a key in a lot of noise is not made up`() {
        var random = SeededRandom(seed: 5)
        let key = Waveform(frequencies: [852, 1477], amplitude: 6000).samples(1600)
        #expect(heard(key.map { $0 &+ Int16.random(in: -1500...1500, using: &random) }) == ["9"])
    }
}
