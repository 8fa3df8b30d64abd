/// Which row of a history tells of which call, where several are alike: a pure function of both sets, whatever order they came in.
///
/// Rows and calls keep their order in time: a later row never tells of an earlier call than the row before it. Among such matchings
/// the one counts that finds most rows a call, then the one whose beginnings are the least apart, then the one that fits early rows
/// with early calls. No row gets two calls, and no call two rows.
enum LikenessMatching {
    /// What a matching is worth.
    fileprivate struct Worth: Comparable {
        var count = 0
        var distance: Int64 = 0

        static func < (left: Worth, right: Worth) -> Bool {
            left.count == right.count ? left.distance > right.distance : left.count < right.count
        }
    }

    /// - Parameters:
    ///   - rowCount: rows, in the order of their time.
    ///   - callCount: calls, in the order of their time.
    ///   - distance: how far a row is from a call; `nil` where it cannot tell of it.
    /// - Returns: for each row the place of its call.
    static func match(rowCount: Int, callCount: Int, distance: (_ row: Int, _ call: Int) -> Int64?) -> [Int?] {
        let distances = (0..<rowCount).map { row in (0..<callCount).map { distance(row, $0) } }
        // worth[row][call]: of the rows and calls from these on.
        var worth = Array(repeating: Array(repeating: Worth(), count: callCount + 1), count: rowCount + 1)
        for row in stride(from: rowCount - 1, through: 0, by: -1) {
            for call in stride(from: callCount - 1, through: 0, by: -1) {
                let together = distances[row][call].map { worth[row + 1][call + 1].with($0) }
                worth[row][call] = [together, worth[row + 1][call], worth[row][call + 1]].compactMap(\.self).max() ?? Worth()
            }
        }
        return follow(worth, distances)
    }

    private static func follow(_ worth: [[Worth]], _ distances: [[Int64?]]) -> [Int?] {
        var matches: [Int?] = Array(repeating: nil, count: distances.count)
        var (row, call) = (0, 0)
        while row < distances.count, call < distances[row].count {
            if let distance = distances[row][call], worth[row + 1][call + 1].with(distance) == worth[row][call] {
                matches[row] = call
                row += 1
                call += 1
            } else if worth[row][call + 1] == worth[row][call] {
                call += 1
            } else {
                row += 1
            }
        }
        return matches
    }
}

extension LikenessMatching.Worth {
    fileprivate func with(_ distance: Int64) -> Self { Self(count: count + 1, distance: self.distance + distance) }
}
