import TestSupport
import Testing

@testable import Connector

@Suite struct LikenessMatchingTests {
    /// Matches moments that are at most 2 apart.
    private func match(_ rows: [Int64], _ calls: [Int64]) -> [Int?] {
        LikenessMatching.match(rowCount: rows.count, callCount: calls.count) { row, call in
            let distance = abs(rows[row] - calls[call])
            return distance <= 2000 ? distance : nil
        }
    }

    @Test(
        arguments: [
            ([], [0], []), ([0], [], [nil]), ([0], [1500], [0]), ([0], [2001], [nil]),
            // Two calls of one number within the tolerance, and their two rows.
            ([500, 1800], [0, 1500], [0, 1]), ([1000, 1800], [0, 1500], [0, 1]),
            // One of the two calls was never heard of: its row is not given the other's.
            ([0, 1800], [1700], [nil, 0]), ([0, 1800], [100], [0, nil]),
            // The nearest is given up where the second row would find none.
            ([0, 2000], [1900, 3900], [0, 1]),
            ([0], [1000, -1000], [0]), ([0, 0], [0], [0, nil]),
        ] as [([Int64], [Int64], [Int?])])
    func `as many rows as can be find a call of their own, as near as can be`(rows: [Int64], calls: [Int64], matches: [Int?]) {
        #expect(match(rows, calls) == matches)
    }

    @Test func `no call has two rows, and the order in time is kept`() {
        var chance = SeededRandom(seed: 3)
        for _ in 0..<500 {
            let rows = (0..<Int.random(in: 0...8, using: &chance)).map { _ in Int64.random(in: 0...9000, using: &chance) }
                .sorted()
            let calls = (0..<Int.random(in: 0...8, using: &chance)).map { _ in Int64.random(in: 0...9000, using: &chance) }
                .sorted()
            let found = match(rows, calls)
            let taken = found.compactMap(\.self)
            #expect(found.count == rows.count && taken == taken.sorted() && Set(taken).count == taken.count)
            for (row, call) in zip(rows, found) {
                if let call { #expect(abs(row - calls[call]) <= 2000) }
            }
        }
    }
}
