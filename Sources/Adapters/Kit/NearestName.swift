/// Finds the name that somebody probably meant.
package enum NearestName {
    /// The known name with the fewest slips of the pen from `name`, where those are few; the first of several.
    package static func suggest(for name: String, among known: [String]) -> String? {
        let typed = Array(name.lowercased().utf8)
        let allowed = max(1, typed.count / 3)
        let candidates = known.map { (name: $0, distance: distance(typed, Array($0.utf8))) }
        guard let best = candidates.min(by: { $0.distance < $1.distance }), best.distance <= allowed else { return nil }
        return best.name
    }

    /// A hint for an unknown name: the suggestion, else the list of what there is.
    package static func hint(for name: String, among known: [String]) -> String {
        if let meant = suggest(for: name, among: known) { return "did you mean `\(meant)`?" }
        return "known here: \(known.map { "`\($0)`" }.joined(separator: ", "))"
    }

    /// Letters to insert, drop, replace or swap with their neighbour (Damerau's optimal string alignment).
    static func distance(_ one: [UInt8], _ other: [UInt8]) -> Int {
        // Names are short; whoever writes a long one gets no suggestion rather than a long computation.
        guard one.count <= 64, other.count <= 64 else { return .max }
        var before: [Int] = []
        var previous = Array(0...other.count)
        for row in one.indices {
            var current = [row + 1]
            for column in other.indices {
                let isSame = one[row] == other[column]
                var best = min(previous[column] + (isSame ? 0 : 1), previous[column + 1] + 1, current[column] + 1)
                if row > 0, column > 0, one[row] == other[column - 1], one[row - 1] == other[column] {
                    best = min(best, before[column - 1] + 1)
                }
                current.append(best)
            }
            before = previous
            previous = current
        }
        return previous[other.count]
    }
}
