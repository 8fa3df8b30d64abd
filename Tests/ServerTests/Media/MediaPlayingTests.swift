import Glibc
import Network
import TestSupport
import Testing

@testable import Media

/// Sound and keys of our own, over real sockets.
@Suite(.onItsOwnThread) struct MediaPlayingTests {
    private func file(_ codes: [UInt8], in folder: TemporaryFolder, name: String = "prompt.wav") throws -> String {
        let path = "\(folder.path)/\(name)"
        let file = try #require(fopen(path, "we"))
        defer { fclose(file) }
        let bytes = WAVReaderTests.file(format: 6, bits: 8, data: codes)
        #expect(fwrite(bytes, 1, bytes.count, file) == bytes.count)
        return path
    }

    @Test func `a file is played once, in packets of 20 ms, and its end is told`() throws {
        try MediaStand.with { stand in
            let folder = try TemporaryFolder()
            let codes = (0..<480).map { UInt8($0 % 251) }
            let path = try file(codes, in: folder)
            let alice = try Phone()
            let one = try stand.open(alice)
            try stand.run { $0.play(one.id, .file(path)) }
            let packets = try (0..<3).map { _ in try alice.hear() }
            #expect(packets.flatMap(\.payload) == codes)
            #expect(packets.map(\.header.marker) == [true, false, false])
            #expect(packets.map { $0.header.sequence &- packets[0].header.sequence } == [0, 1, 2])
            #expect(packets.map { $0.header.timestamp &- packets[0].header.timestamp } == [0, 160, 320])
            #expect(stand.wait { $0 == .played(one.id) } != nil)
            #expect(alice.hearsNothing)
        }
    }

    @Test func `music goes round until it is stopped, and what is relayed waits meanwhile`() throws {
        try MediaStand.with { stand in
            let folder = try TemporaryFolder()
            let path = try file([UInt8](repeating: 3, count: 100), in: folder)
            let (alice, bob) = (try Phone(), try Phone())
            let (one, other) = try stand.bridge(alice, bob)
            bob.speak(to: other, [1])
            let before = try alice.hear()
            try stand.run { $0.play(one.id, .music(path)) }
            var heard = [before]
            while heard.count < 6 {
                heard.append(try alice.hear())
                bob.speak(to: other, [2])
            }
            #expect(heard.dropFirst().allSatisfy { $0.payload == [UInt8](repeating: 3, count: 160) })
            try stand.run { $0.stop(one.id) }
            try stand.settle()
            while !alice.hearsNothing { heard.removeLast() }
            bob.speak(to: other, [4])
            let after = try alice.hear()
            #expect(after.payload == [4])
            #expect(after.header.marker)
            #expect(after.header.ssrc == before.header.ssrc)
            #expect(RTPSequence.distance(from: before.header.sequence, to: after.header.sequence) >= 6)
            #expect(!stand.events.contains(.played(one.id)))
        }
    }

    @Test func `the later of two programs is played, and one that was stopped before it was found is not`() throws {
        try MediaStand.with { stand in
            let folder = try TemporaryFolder()
            let (first, second) = (
                try file([UInt8](repeating: 1, count: 8000), in: folder),
                try file([UInt8](repeating: 2, count: 160), in: folder, name: "b.wav")
            )
            let alice = try Phone()
            let one = try stand.open(alice)
            try stand.run { plane in
                plane.play(one.id, .file(first))
                plane.stop(one.id)
                plane.play(one.id, .file(first))
                plane.play(one.id, .file(second))
            }
            #expect(try alice.hear().payload == [UInt8](repeating: 2, count: 160))
            #expect(stand.wait { $0 == .played(one.id) } != nil)
        }
    }

    @Test func `a changed file is read anew`() throws {
        try MediaStand.with { stand in
            let folder = try TemporaryFolder()
            let alice = try Phone()
            let one = try stand.open(alice)
            for code in [UInt8(1), 2] {
                let path = try file([UInt8](repeating: code, count: 100 + Int(code) * 10), in: folder)
                try stand.run { $0.play(one.id, .file(path)) }
                #expect(try alice.hear().payload[0] == code)
            }
        }
    }

    @Test func `a file that cannot be played is told with its name`() throws {
        try MediaStand.with { stand in
            let one = try stand.open(try Phone())
            try stand.run { $0.play(one.id, .file("/nowhere/prompt.wav")) }
            guard
                case .playFailed(_, let error) = stand.wait(for: { if case .playFailed(one.id, _) = $0 { true } else { false } })
            else {
                Issue.record("not told")
                return
            }
            #expect(error.code == .file)
            #expect(error.description.contains("/nowhere/prompt.wav"))
        }
    }

    @Test func `a codec that is only passed on cannot be played in`() throws {
        try MediaStand.with { stand in
            let one = try stand.open(try Phone()) {
                ($0.codec, $0.payloadTypeIn) = (AudioCodec(name: "G729", clockRate: 8000), 18)
            }
            try stand.run { $0.play(one.id, .tone(.busy)) }
            #expect(stand.wait { if case .playFailed(one.id, let error) = $0 { error.code == .codec } else { false } } != nil)
        }
    }

    @Test func `what is played before the terms are known begins with them, in the law agreed on`() throws {
        try MediaStand.with { stand in
            let alice = try Phone()
            let one = try stand.run { try $0.open(address: .loopbackV4) }
            try stand.run { $0.play(one.id, AudioProgram(.tone(.beep))) }
            try stand.settle()
            var terms = alice.terms
            (terms.codec, terms.payloadTypeOut) = (.pcmu, 0)
            let agreed = terms
            try stand.run { $0.configure(one.id, agreed) }
            let heard = try alice.hear()
            #expect(heard.header.payloadType == 0)
            #expect(heard.payload == Array(Tone.beep.makeClip().codes(in: .muLaw)[..<160]))
        }
    }

    @Test func `silence lasts as long as it was asked for`() throws {
        try MediaStand.with { stand in
            let alice = try Phone()
            let one = try stand.open(alice)
            try stand.run { $0.play(one.id, .silence(milliseconds: 60)) }
            for _ in 0..<3 { #expect(try alice.hear().payload == [UInt8](repeating: 0xD5, count: 160)) }
            #expect(stand.wait { $0 == .played(one.id) } != nil)
            #expect(alice.hearsNothing)
        }
    }
}

/// Keys over real sockets.
@Suite(.onItsOwnThread) struct MediaKeyTests {
    @Test func `keys are sent as events, one after the other`() throws {
        try MediaStand.with { stand in
            let alice = try Phone()
            let one = try stand.open(alice) { $0.eventTypeOut = 96 }
            try stand.run { $0.send(digits: "1x#", to: one.id) }
            #expect(stand.wait { $0 == .digitsSent(one.id) } != nil)
            let packets = try (0..<16).map { _ in try alice.hear() }
            #expect(alice.hearsNothing)
            let events = packets.compactMap { TelephoneEvent(of: $0.payload, 0..<4) }
            #expect(packets.allSatisfy { $0.header.payloadType == 96 })
            #expect(events.map(\.code) == [UInt8](repeating: 1, count: 8) + [UInt8](repeating: 11, count: 8))
            #expect(packets.map { $0.header.sequence &- packets[0].header.sequence } == Array(0..<16))
            #expect(packets.map(\.header.marker) == (0..<16).map { $0 % 8 == 0 })
            #expect(Set(packets[..<8].map(\.header.timestamp)).count == 1)
            #expect(RTPSequence.distance(from: packets[7].header.timestamp, to: packets[8].header.timestamp) >= 1280)
        }
    }

    @Test func `without telephone events keys are sent as tones`() throws {
        try MediaStand.with { stand in
            let alice = try Phone()
            let one = try stand.open(alice) { ($0.eventTypeIn, $0.eventTypeOut) = (nil, nil) }
            try stand.run { $0.send(digits: "42", to: one.id) }
            #expect(stand.wait { $0 == .digitsSent(one.id) } != nil)
            let heard = try (0..<20).flatMap { _ in try alice.hear().payload }
            #expect(heard == KeyTones.clips[4].codes(in: .aLaw) + KeyTones.clips[2].codes(in: .aLaw))
            #expect(alice.hearsNothing)
        }
    }

    @Test func `a press is told once and passed on with the other side's payload type`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let one = try stand.open(alice)
            let other = try stand.open(bob) { $0.eventTypeOut = 97 }
            try stand.run { $0.bridge(one.id, other.id) }
            try stand.settle()
            for isEnd in [false, false, true, true, true] { alice.press(5, end: isEnd, to: one) }
            let heard = try (0..<5).map { _ in try bob.hear() }
            #expect(heard.allSatisfy { $0.header.payloadType == 97 && $0.payload[0] == 5 })
            #expect(Set(heard.map(\.header.timestamp)).count == 1)
            #expect(stand.wait { $0 == .digit(one.id, "5") } != nil)
            try stand.settle()
            #expect(stand.events.count { $0 == .digit(one.id, "5") } == 1)
        }
    }

    @Test func `a side without telephone events hears the tone of a key instead`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let one = try stand.open(alice)
            let other = try stand.open(bob) { ($0.eventTypeIn, $0.eventTypeOut) = (nil, nil) }
            try stand.run { $0.bridge(one.id, other.id) }
            try stand.settle()
            for isEnd in [false, true, true] { alice.press(9, end: isEnd, to: one) }
            let heard = try (0..<10).flatMap { _ in try bob.hear().payload }
            #expect(heard == KeyTones.clips[9].codes(in: .aLaw))
            #expect(bob.hearsNothing)
        }
    }

    @Test func `keys are heard in the sound where that was asked for and no events agreed on`() throws {
        for (listens, event) in [(true, UInt8?.none), (false, nil), (true, 101)] {
            try MediaStand.with { stand in
                let alice = try Phone()
                let one = try stand.open(alice) { ($0.listensForKeys, $0.eventTypeIn) = (listens, event) }
                let codes = KeyTones.clips[7].codes(in: .aLaw)
                for start in stride(from: 0, to: 1600, by: 160) { alice.speak(to: one, Array(codes[start..<start + 160])) }
                #expect(stand.wait { $0 == .firstPacket(one.id, from: alice.sound.address) } != nil)
                // Commands go behind packets that wait already: the loop has seen all of them when two have passed.
                try stand.run { $0.close(one.id) }
                #expect(stand.wait { if case .closed(one.id, _) = $0 { true } else { false } } != nil)
                #expect(stand.events.contains(.digit(one.id, "7")) == (listens && event == nil))
            }
        }
    }

    @Test func `a flood of keys is not told of in full`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let (one, _) = try stand.bridge(alice, bob)
            for number in 0..<200 {
                alice.timestamp &+= 160
                alice.press(UInt8(number % 10), to: one)
                _ = try bob.hear()
            }
            try stand.settle()
            let told = stand.events.count { if case .digit = $0 { true } else { false } }
            // Twenty a second; the flood may lie across a second's end.
            #expect((20...60).contains(told))
        }
    }
}
