import Connector

/// Takes a page of a provider's log apart: each call's rows become a document of their own, which reads as the page does.
///
/// So that a row which many overlapping pages tell is kept once. What cannot be taken apart stays whole.
package enum LogRows {
    /// - Parameters:
    ///   - list: finds the rows in the page.
    ///   - name: what the rows of one call have in common; `nil` where it is not told: such a row stands alone.
    ///   - before: what stands before the rows in a document, and `after` what behind.
    package static func ofJSON(
        _ page: [UInt8], list: (JSONNode) -> JSONNode, name: (JSONNode) -> String? = { _ in nil }, before: String = "[",
        after: String = "]"
    ) -> [[UInt8]] {
        guard let rows = try? list(JSONText(page).root), rows.isArray else { return [page] }
        let groups = group(rows.elements.map { (name($0), $0.source) })
        return groups.map { Array(before.utf8) + $0.joined(separator: [UInt8(ascii: ",")]) + Array(after.utf8) }
    }

    /// Lines end with a line feed, whatever stands before it; a byte order mark is no part of the first one.
    /// - Parameter name: of a row's text; `nil` where it is not told.
    package static func ofLines(_ page: [UInt8], name: (ArraySlice<UInt8>) -> String? = { _ in nil }) -> [[UInt8]] {
        let text = page.starts(with: [0xEF, 0xBB, 0xBF]) ? page.dropFirst(3) : page[...]
        let lines = text.split(separator: UInt8(ascii: "\n")).filter { $0 != [UInt8(ascii: "\r")] }
        return group(lines.map { (name($0), $0) }).map { Array($0.joined(separator: [UInt8(ascii: "\n")])) }
    }

    /// Rows of the same name together, in the order of their first.
    private static func group<Row>(_ rows: [(name: String?, row: Row)]) -> [[Row]] {
        var places: [String: Int] = [:]
        var groups: [[Row]] = []
        for (name, row) in rows {
            if let place = name.flatMap({ places[$0] }) {
                groups[place].append(row)
            } else {
                if let name { places[name] = groups.count }
                groups.append([row])
            }
        }
        return groups
    }
}
