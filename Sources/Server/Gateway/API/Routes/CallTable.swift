import Connector

/// Calls as lines of CSV (RFC 4180): comma, CRLF, quotes where needed, UTF-8, a first line with names.
enum CallTable {
    /// Columns by name, with the path of the value in the call's JSON.
    private static let columns: [(name: String, path: [String])] = [
        ("id", ["id"]), ("started_at", ["started_at"]), ("answered_at", ["answered_at"]), ("ended_at", ["ended_at"]),
        ("direction", ["direction"]), ("state", ["state"]), ("disposition", ["disposition"]),
        ("missed_reason", ["missed_reason"]), ("connection_id", ["connection_id"]), ("provider", ["provider"]),
        ("number", ["external_party", "number", "e164"]), ("number_as_received", ["external_party", "number", "raw"]),
        ("name", ["external_party", "name"]), ("line", ["line", "id"]), ("line_label", ["line", "label"]),
        ("owner_user_id", ["owner_user_id"]), ("wait_ms", ["wait_ms"]), ("talk_ms", ["talk_ms"]), ("hold_ms", ["hold_ms"]),
        ("total_ms", ["total_ms"]), ("channel", ["attribution", "channel"]), ("revision", ["revision"]),
        ("updated_at", ["updated_at"]),
    ]

    /// Columns that people elsewhere wrote: a spreadsheet must not take them for formulas.
    private static let foreign: Set<String> = ["number_as_received", "name", "line_label", "owner_user_id"]

    static let head = Array((columns.map(\.name).joined(separator: ",") + "\r\n").utf8)

    /// - Throws: `JSONError` where the stored call is no JSON.
    static func appendRow(of call: [UInt8], to bytes: inout [UInt8]) throws {
        let root = try JSONText(call).root
        for (index, column) in columns.enumerated() {
            if index > 0 { bytes.append(UInt8(ascii: ",")) }
            let node = column.path.reduce(root) { $0[dynamic: $1] }
            append(node.anyText ?? "", isForeign: foreign.contains(column.name), to: &bytes)
        }
        bytes += "\r\n".utf8
    }

    private static func append(_ text: String, isForeign: Bool, to bytes: inout [UInt8]) {
        var cell = text
        if isForeign, let first = cell.first, "=+-@\t\r".contains(first), !isNumber(cell) { cell = "'" + cell }
        guard cell.utf8.contains(where: { $0 == 0x22 || $0 == 0x2C || $0 == 0x0A || $0 == 0x0D }) else {
            bytes += cell.utf8
            return
        }
        bytes.append(0x22)
        for byte in cell.utf8 {
            if byte == 0x22 { bytes.append(0x22) }
            bytes.append(byte)
        }
        bytes.append(0x22)
    }

    /// `+79000001234` is a number, not a formula that does anything.
    private static func isNumber(_ text: String) -> Bool { text.utf8.dropFirst().allSatisfy { (0x30...0x39).contains($0) } }
}
