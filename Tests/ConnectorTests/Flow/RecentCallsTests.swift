import Testing

@testable import Connector

@Suite struct RecentCallsTests {
    private func call(_ number: UInt64) -> CallID { CallID(upper: 0, lower: number) }

    @Test func `the oldest batch comes out first`() {
        var recent = RecentCalls()
        for number in 1...5 { recent.add([call(UInt64(number))], ticket: number, at: .earliest) }
        recent.add([], ticket: 6, at: .earliest)
        #expect(recent.count == 5)
        var tickets: [Int] = []
        while let round = recent.removeOldest() { tickets.append(round.ticket) }
        #expect(tickets == [1, 2, 3, 4, 5])
        #expect(recent.count == 0)
        #expect(recent.oldest == nil)
    }

    @Test func `what comes in while others go out keeps its place`() {
        var recent = RecentCalls()
        var out: [Int] = []
        for number in 1...100 {
            recent.add([call(UInt64(number)), call(UInt64(number) + 1000)], ticket: number, at: .earliest)
            if number.isMultiple(of: 3), let round = recent.removeOldest() { out.append(round.ticket) }
        }
        #expect(out == Array(1...33))
        #expect(recent.oldest?.ticket == 34)
        #expect(recent.count == 2 * 67)
    }
}
