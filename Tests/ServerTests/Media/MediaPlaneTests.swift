import Network
import TestSupport
import Testing

@testable import Media

/// Streams and bridges, over real sockets.
@Suite(.onItsOwnThread) struct MediaPlaneTests {
    @Test func `what one says the other hears, as one stream of ours`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let (one, other) = try stand.bridge(alice, bob)
            #expect(one.local.port % 2 == 0)
            alice.speak(to: one, [1, 2, 3])
            alice.speak(to: one, [4])
            let first = try bob.hear(), second = try bob.hear()
            #expect(first.payload == [1, 2, 3])
            #expect(second.payload == [4])
            #expect(first.header.ssrc != alice.ssrc)
            #expect(first.header.ssrc == second.header.ssrc)
            #expect(second.header.sequence == first.header.sequence &+ 1)
            #expect(second.header.timestamp == first.header.timestamp &+ 160)
            #expect(first.header.marker)
            bob.speak(to: other, [9])
            #expect(try alice.hear().payload == [9])
            #expect(stand.wait { $0 == .firstPacket(one.id, from: alice.sound.address) } != nil)
        }
    }

    @Test func `A-law and µ-law are converted both ways`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let one = try stand.open(alice)
            let other = try stand.open(bob) { ($0.codec, $0.payloadTypeIn, $0.payloadTypeOut) = (.pcmu, 0, 0) }
            try stand.run { $0.bridge(one.id, other.id) }
            try stand.settle()
            let codes = (0..<160).map { UInt8($0) }
            alice.speak(to: one, codes)
            let heard = try bob.hear()
            #expect(heard.header.payloadType == 0)
            #expect(heard.payload == codes.map { G711.aLaw.converting[Int($0)] })
            bob.speak(to: other, type: 0, codes)
            #expect(try alice.hear().payload == codes.map { G711.muLaw.converting[Int($0)] })
        }
    }

    @Test func `another codec passes where both agreed on it, with each side's payload type`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let opus = AudioCodec(name: "opus", clockRate: 48_000, channels: 2)
            let one = try stand.open(alice) { ($0.codec, $0.payloadTypeIn, $0.payloadTypeOut) = (opus, 96, 97) }
            let other = try stand.open(bob) { ($0.codec, $0.payloadTypeIn, $0.payloadTypeOut) = (opus, 111, 112) }
            try stand.run { $0.bridge(one.id, other.id) }
            try stand.settle()
            alice.speak(to: one, type: 96, [7, 7])
            let heard = try bob.hear()
            #expect(heard.payload == [7, 7])
            #expect(heard.header.payloadType == 112)
        }
    }

    @Test func `codecs that cannot be converted are told, and nothing passes`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let one = try stand.open(alice)
            let other = try stand.open(bob) { ($0.codec, $0.payloadTypeIn) = (AudioCodec(name: "G729", clockRate: 8000), 18) }
            try stand.run { $0.bridge(one.id, other.id) }
            #expect(stand.wait { $0 == .incompatible(one.id, other.id) } != nil)
            alice.speak(to: one)
            #expect(stand.wait { $0 == .firstPacket(one.id, from: alice.sound.address) } != nil)
            try stand.settle()
            #expect(bob.hearsNothing)
        }
    }

    @Test func `over a transfer the stream stays one`() throws {
        try MediaStand.with { stand in
            let (alice, bob, carol) = (try Phone(), try Phone(ssrc: 5), try Phone(ssrc: 6))
            let (one, other) = try stand.bridge(alice, bob)
            bob.speak(to: other, [1])
            let before = try alice.hear()
            let third = try stand.open(carol)
            try stand.run { $0.bridge(one.id, third.id) }
            try stand.settle()
            bob.speak(to: other, [2])
            (carol.sequence, carol.timestamp) = (60_000, 1)
            carol.speak(to: third, [3])
            let after = try alice.hear()
            #expect(after.payload == [3])
            #expect(after.header.ssrc == before.header.ssrc)
            #expect(after.header.sequence == before.header.sequence &+ 1)
            #expect(RTPSequence.distance(from: before.header.timestamp, to: after.header.timestamp) >= 160)
            #expect(after.header.marker)
            #expect(bob.hearsNothing)
        }
    }

    @Test func `streams of two loops are brought together, and commands keep their order`() throws {
        try MediaStand.with(loops: 3) { stand in
            let phones = try (0..<3).map { try Phone(ssrc: UInt32($0 + 1)) }
            let ports = try phones.map { try stand.open($0) }
            for (first, second) in [(0, 1), (1, 2), (2, 0)] {
                try stand.run { plane in
                    plane.bridge(ports[first].id, ports[second].id)
                    plane.unbridge(ports[first].id)
                    plane.bridge(ports[second].id, ports[first].id)
                }
                try stand.settle()
                phones[first].speak(to: ports[first], [UInt8(first)])
                #expect(try phones[second].hear().payload == [UInt8(first)])
                phones[second].speak(to: ports[second], [UInt8(second)])
                #expect(try phones[first].hear().payload == [UInt8(second)])
            }
        }
    }

    @Test func `strangers, other payload types and no packets at all are refused and counted`() throws {
        try MediaStand.with { stand in
            let (alice, bob, mallory) = (try Phone(), try Phone(), try Phone(ssrc: 66))
            let (one, _) = try stand.bridge(alice, bob)
            mallory.speak(to: one)
            alice.speak(to: one, type: 0)
            [UInt8](repeating: 1, count: 40).withUnsafeBytes { _ = alice.sound.send($0, to: one.local) }
            alice.speak(to: one, [5])
            mallory.speak(to: one)
            #expect(try bob.hear().payload == [5])
            try stand.run { $0.close(one.id) }
            guard case .closed(_, let statistics) = stand.wait(for: { if case .closed(one.id, _) = $0 { true } else { false } })
            else {
                Issue.record("not closed")
                return
            }
            #expect(statistics.packetsReceived == 1)
            #expect(statistics.packetsRefused == 4)
            #expect(bob.hearsNothing)
        }
    }

    @Test func `behind NAT the first packet decides, and ours go there`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let one = try stand.open(alice) {
                $0.remote = SocketAddress(parsing: "192.0.2.1:4000")
                $0.isBehindNAT = true
            }
            let other = try stand.open(bob)
            try stand.run { $0.bridge(one.id, other.id) }
            try stand.settle()
            alice.speak(to: one, [1])
            #expect(try bob.hear().payload == [1])
            bob.speak(to: other, [2])
            #expect(try alice.hear().payload == [2])
        }
    }

    @Test func `a telephone that moves on is followed by its numbers`() throws {
        try MediaStand.with { stand in
            let (alice, bob, moved) = (try Phone(), try Phone(), try Phone())
            let (one, other) = try stand.bridge(alice, bob)
            alice.speak(to: one, [1])
            _ = try bob.hear()
            (moved.sequence, moved.timestamp) = (alice.sequence, alice.timestamp)
            moved.speak(to: one, [2])
            #expect(try bob.hear().payload == [2])
            #expect(stand.wait { $0 == .moved(one.id, to: moved.sound.address) } != nil)
            bob.speak(to: other, [3])
            #expect(try moved.hear().payload == [3])
        }
    }

    @Test func `whom we may not send to hears nothing, and whom we may not hear is not relayed`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let (one, other) = try stand.bridge(alice, bob)
            let held = { () -> MediaTerms in
                var terms = alice.terms
                (terms.maySend, terms.mayReceive) = (false, false)
                return terms
            }()
            try stand.run { $0.configure(one.id, held) }
            try stand.settle()
            alice.speak(to: one, [1])
            bob.speak(to: other, [2])
            for id in [one.id, other.id] {
                #expect(stand.wait { if case .firstPacket(id, _) = $0 { true } else { false } } != nil)
            }
            try stand.settle()
            #expect(alice.hearsNothing)
            #expect(bob.hearsNothing)
            let terms = alice.terms
            try stand.run { $0.configure(one.id, terms) }
            try stand.settle()
            alice.speak(to: one, [3])
            #expect(try bob.hear().payload == [3])
        }
    }

    @Test func `the same terms once more change nothing`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone())
            let (one, _) = try stand.bridge(alice, bob)
            alice.speak(to: one, [1])
            let before = try bob.hear()
            let terms = alice.terms
            try stand.run { $0.configure(one.id, terms) }
            try stand.settle()
            alice.speak(to: one, [2])
            #expect(try bob.hear().header.sequence == before.header.sequence &+ 1)
            try stand.settle()
            #expect(stand.events.count { $0 == .firstPacket(one.id, from: alice.sound.address) } == 1)
        }
    }

    @Test func `silence is told, again and again`() throws {
        try MediaStand.with({ $0.silence = .milliseconds(50) }) { stand in
            let one = try stand.open(try Phone())
            #expect(stand.wait { if case .silent(one.id, _) = $0 { true } else { false } } != nil)
        }
    }

    @Test func `a name of a closed stream fits nothing`() throws {
        try MediaStand.with { stand in
            let alice = try Phone()
            let one = try stand.open(alice)
            try stand.run { plane in
                plane.close(one.id)
                plane.close(one.id)
            }
            #expect(stand.wait { if case .closed(one.id, _) = $0 { true } else { false } } != nil)
            let other = try stand.open(alice)
            #expect(other.id.slot == one.id.slot)
            #expect(other.id != one.id)
            #expect(other.local.port != one.local.port)
            let terms = alice.terms
            try stand.run { plane in
                plane.configure(one.id, terms)
                plane.bridge(one.id, other.id)
                plane.play(one.id, .tone(.busy))
                plane.send(digits: "1", to: one.id)
                plane.close(one.id)
            }
            try stand.settle()
            #expect(try stand.run { $0.streamCount } == 1)
        }
    }

    @Test func `ports that others have are passed over, and none at all is told`() throws {
        try MediaStand.with { stand in
            let taken = try stand.open(try Phone())
            try MediaStand.with({ $0.ports = taken.local.port...taken.local.port + 1 }) { other in
                let error = #expect(throws: MediaError.self) { try other.run { try $0.open(address: .loopbackV4) } }
                #expect(error?.code == .ports)
                #expect(error?.hint != nil)
            }
        }
    }

    @Test func `no more streams than may be`() throws {
        try MediaStand.with({ $0.maximumStreams = 2 }) { stand in
            for _ in 0..<2 { _ = try stand.open(try Phone()) }
            let error = #expect(throws: MediaError.self) { try stand.run { try $0.open(address: .loopbackV4) } }
            #expect(error?.code == .full)
        }
    }

    @Test func `streams share the loops`() throws {
        try MediaStand.with(loops: 2) { stand in
            let ids = try (0..<6).map { _ in try stand.open(try Phone()).id }
            let loops = try stand.run { plane in ids.compactMap { plane.table[$0]?.loop } }
            #expect(loops.count { $0 == 0 } == 3)
            let near = try stand.open(try Phone(), near: ids[1]).id
            #expect(try stand.run { plane in plane.table[near]?.loop == plane.table[ids[1]]?.loop })
        }
    }
}

/// RTCP over real sockets.
@Suite(.onItsOwnThread) struct MediaReportTests {
    @Test func `we report what we sent and what came, and say goodbye`() throws {
        try MediaStand.with({ $0.reportInterval = .milliseconds(10) }) { stand in
            let (alice, bob) = (try Phone(), try Phone(ssrc: 4))
            let (one, other) = try stand.bridge(alice, bob)
            alice.speak(to: one)
            let heard = try bob.hear()
            let aboutAlice = try #require(alice.hearReport())
            #expect(RTCPNews(of: aboutAlice, about: alice.ssrc)?.aboutUs?.lost == 0)
            let report = try #require(bob.hearReport())
            let sender = try #require(RTCPNews(of: report, about: 0))
            #expect(sender.senderReport != nil)
            try stand.run { $0.close(other.id) }
            var isGoodbye = false
            while !isGoodbye, let report = bob.hearReport() { isGoodbye = RTCPNews(of: report, about: 0)?.isGoodbye == true }
            #expect(isGoodbye)
            #expect(heard.header.ssrc != 0)
        }
    }

    @Test func `what the other side reports is kept, from its host only`() throws {
        try MediaStand.with { stand in
            let (alice, bob) = (try Phone(), try Phone(ssrc: 4))
            let (one, other) = try stand.bridge(alice, bob)
            alice.speak(to: one)
            let ours = try bob.hear().header.ssrc
            let receiving = RTCPWriter.Receiving(
                ssrc: ours, fractionLost: 9, lost: 17, highest: 5, jitter: 80, lastReport: 0, delay: 0)
            let report = RTCPWriter(ssrc: 4, name: [65]).packet(sending: nil, receiving: receiving, isGoodbye: true)
            bob.send(report: report, to: other)
            let stranger = try Phone(on: "127.0.0.2")
            stranger.send(report: RTCPWriter(ssrc: 4, name: [65]).packet(sending: nil, receiving: nil), to: other)
            #expect(stand.wait { $0 == .goodbye(other.id) } != nil)
            try stand.settle()
            try stand.run { $0.close(other.id) }
            guard case .closed(_, let statistics) = stand.wait(for: { if case .closed(other.id, _) = $0 { true } else { false } })
            else {
                Issue.record("not closed")
                return
            }
            #expect(statistics.remotePacketsLost == 17)
            #expect(statistics.remoteJitterMilliseconds == 10)
            #expect(statistics.packetsSent == 1)
        }
    }

    @Test func `RTCP on the port of RTP is understood`() throws {
        try MediaStand.with { stand in
            let alice = try Phone()
            let one = try stand.open(alice)
            alice.speak(to: one)
            let bye = RTCPWriter(ssrc: 4, name: [65]).packet(sending: nil, receiving: nil, isGoodbye: true)
            bye.withUnsafeBytes { _ = alice.sound.send($0, to: one.local) }
            #expect(stand.wait { $0 == .goodbye(one.id) } != nil)
        }
    }
}
