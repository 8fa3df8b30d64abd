import NetworkTypes
import Testing

@testable import Media

/// One stream of many sources.
struct RTPSpliceTests {
    private let start = MonotonicInstant(nanoseconds: 1_000_000_000)
    private let first = RTPSplice.Source(origin: 1, ssrc: 11)
    private let second = RTPSplice.Source(origin: 2, ssrc: 11)

    private func splice() -> RTPSplice { RTPSplice(ssrc: 99, sequence: 65_534, timestamp: 0xFFFF_FF00) }

    private func required(_ place: RTPSplice.Place?) throws -> RTPSplice.Place { try #require(place) }

    private func after(_ milliseconds: Int) -> MonotonicInstant { start.advanced(by: .milliseconds(milliseconds)) }

    @Test func `a source keeps its distances, loss and disorder included`() {
        var splice = splice()
        let numbers: [(UInt16, UInt32)] = [(100, 1000), (101, 1160), (104, 1640), (103, 1480), (105, 1800)]
        let places = numbers.enumerated().map { index, number in
            splice.next(first, sequence: number.0, timestamp: number.1, clockRate: 8000, now: after(index * 20))
        }
        #expect(places.map { $0?.sequence } == [65_535, 0, 3, 2, 4])
        #expect(places.map { $0?.timestamp } == [0, 160, 640, 480, 800].map { 0xFFFF_FF00 &+ $0 })
        #expect(places.map { $0?.begins } == [true, false, false, false, false])
    }

    @Test func `another source goes on where the last one was, as time does`() throws {
        var splice = splice()
        _ = splice.next(first, sequence: 5, timestamp: 500, clockRate: 8000, now: start)
        let last = try required(splice.next(first, sequence: 6, timestamp: 660, clockRate: 8000, now: after(20)))
        let next = try required(splice.next(second, sequence: 9000, timestamp: 77, clockRate: 8000, now: after(1020)))
        #expect(next == RTPSplice.Place(sequence: last.sequence &+ 1, timestamp: last.timestamp &+ 8000, begins: true))
        let further = try required(splice.next(second, sequence: 9001, timestamp: 237, clockRate: 8000, now: after(1040)))
        #expect(further == RTPSplice.Place(sequence: next.sequence &+ 1, timestamp: next.timestamp &+ 160, begins: false))
        let back = try required(splice.next(first, sequence: 57, timestamp: 8820, clockRate: 8000, now: after(1041)))
        #expect(back.sequence == further.sequence &+ 1)
        #expect(back.timestamp == further.timestamp &+ 160)
    }

    @Test func `what comes late of before a source's first packet is left out`() {
        var splice = splice()
        _ = splice.next(first, sequence: 5, timestamp: 500, clockRate: 8000, now: start)
        #expect(splice.next(second, sequence: 100, timestamp: 100, clockRate: 8000, now: after(20)) != nil)
        #expect(splice.next(second, sequence: 99, timestamp: 0, clockRate: 8000, now: after(21)) == nil)
        #expect(splice.next(second, sequence: 101, timestamp: 260, clockRate: 8000, now: after(40))?.begins == false)
    }

    @Test func `a source of many hours is no different`() {
        var splice = splice()
        var last: RTPSplice.Place?
        for number in 0..<200_000 {
            let place = splice.next(
                first, sequence: UInt16(truncatingIfNeeded: number), timestamp: UInt32(truncatingIfNeeded: number * 160),
                clockRate: 8000,
                now: after(number * 20))
            if let last {
                #expect(place == RTPSplice.Place(sequence: last.sequence &+ 1, timestamp: last.timestamp &+ 160, begins: false))
            }
            last = place
        }
    }

    @Test(arguments: [(10_000, 660), (60_000, 660), (6, 500 &- 80_000), (6, 200_500)] as [(UInt16, UInt32)])
    func `a jump of the numbers is a new beginning`(sequence: UInt16, timestamp: UInt32) {
        var splice = splice()
        let one = splice.next(first, sequence: 5, timestamp: 500, clockRate: 8000, now: start)
        let other = splice.next(first, sequence: sequence, timestamp: timestamp, clockRate: 8000, now: after(20))
        #expect(other?.begins == true)
        #expect(other?.sequence == one.map { $0.sequence &+ 1 })
        #expect(other?.timestamp == one.map { $0.timestamp &+ 160 })
    }

    @Test func `a pause that the timestamps tell of is no jump`() {
        var splice = splice()
        _ = splice.next(first, sequence: 5, timestamp: 500, clockRate: 8000, now: start)
        let place = splice.next(first, sequence: 6, timestamp: 500 + 8000 * 60, clockRate: 8000, now: after(60_000))
        #expect(place?.begins == false)
    }

    @Test func `events keep their timestamp however long they last`() {
        var splice = splice()
        let one = splice.next(first, sequence: 5, timestamp: 500, clockRate: 8000, now: start)
        for number in 1...400 {
            let place = splice.next(
                first, sequence: 5 + UInt16(number), timestamp: 660, isEvent: true, clockRate: 8000, now: after(number * 20))
            #expect(place?.begins == false)
            #expect(place?.timestamp == one.map { $0.timestamp &+ 160 })
        }
        let sound = splice.next(first, sequence: 406, timestamp: 500 + 401 * 160, clockRate: 8000, now: after(401 * 20))
        #expect(sound?.begins == false)
    }

    @Test func `after an event of another source time has gone on`() throws {
        var splice = splice()
        let begin = try required(splice.next(first, sequence: 1, timestamp: 0, isEvent: true, clockRate: 8000, now: start))
        for number in 1...7 {
            _ = splice.next(
                first, sequence: 1 + UInt16(number), timestamp: 0, isEvent: true, clockRate: 8000, now: after(number * 20))
        }
        let next = try required(splice.next(second, sequence: 1, timestamp: 0, clockRate: 8000, now: after(160)))
        #expect(next.sequence == begin.sequence &+ 8)
        #expect(next.timestamp == begin.timestamp &+ 1280)
        #expect(splice.timestamp(at: after(1160), clockRate: 8000) == next.timestamp &+ 8000)
    }
}
