import AdapterKit
import Connector

/// Which way a call would take, in lines for a terminal.
struct RouteTable {
    private let preview: RoutePreview
    private let zone: LocalZone

    init(_ preview: RoutePreview, zone: LocalZone) {
        self.preview = preview
        self.zone = zone
    }

    var lines: [String] {
        var lines = [heading]
        if let reason = preview.reason {
            lines.append("refused\(preview.status.map { " with \($0)" } ?? ""): \(reason.text)")
        }
        lines += Self.columns(preview.trunks.enumerated().map { place, trunk in row("\(place + 1)", trunk) })
        if !preview.passedOver.isEmpty {
            lines.append("not tried:")
            lines += Self.columns(preview.passedOver.map { row("", $0) })
        }
        return lines + stepLines(preview.steps, indent: "")
    }

    private var heading: String {
        let question = preview.question
        let at = LocalTimestamp.format(question.at, in: zone)
        let number = preview.e164 ?? question.number
        switch question.direction {
        case .outbound:
            return "\(question.from ?? "the house") calls \(number) at \(at) (\(zone.name)), by the plan of \(preview.connection)"
        case .inbound:
            let by =
                preview.by.map { ", by its \($0)" }.map { $0 == ", by its other" ? ", which the plan does not name" : $0 } ?? ""
            return "a call to \(number) at \(at) (\(zone.name)), by the plan of \(preview.connection)\(by)"
        }
    }

    private func row(_ place: String, _ trunk: RoutePreview.Trunk) -> [String] {
        let price = trunk.price.map { "\($0.amount) \($0.currency) a minute, by the \($0.billedBy)" } ?? "no price"
        var why: [String] = []
        if let line = trunk.fileLine {
            why.append("rule in line \(line)" + (trunk.destination.map { ": \($0)" } ?? ""))
        } else if preview.outcome == .emergency {
            why.append("emergency numbers take every trunk")
        }
        if let priority = trunk.priority { why.append("priority \(priority)") }
        if let reason = trunk.reason { why.append("but \(reason.text)") }
        let line = trunk.reason == nil ? trunk.line.map { "shows \($0)" } ?? "shows its account" : ""
        return [place, trunk.name, price, line, why.joined(separator: ", ")]
    }

    // MARK: Steps

    private func stepLines(_ steps: [RoutePreview.Step], indent: String) -> [String] {
        var lines: [String] = []
        for (place, step) in steps.enumerated() {
            lines.append("\(indent)\(place + 1)  \(words(step))")
            for key in step.keys {
                lines.append("\(indent)   key \(key.key):")
                lines += stepLines(key.steps, indent: indent + "     ")
            }
        }
        return lines
    }

    private func words(_ step: RoutePreview.Step) -> String {
        var words = step.kind.replacing("_", with: " ")
        if let ref = step.ref { words += " \(ref)" }
        if step.kind == "responsible" { words += ": whom the CRM names" }
        if let result = step.result { words += " (\(result.replacing("_", with: " ")))" }
        if let seconds = step.seconds {
            words += step.kind == "queue" || step.kind == "voicemail" ? ", \(seconds) s at most" : ", \(seconds) s"
        }
        if !step.rings.isEmpty { words += ": " + step.rings.map(Self.words).joined(separator: ", ") }
        return words
    }

    private static func words(_ ring: RoutePreview.Ring) -> String {
        let number = ring.kind == "mobile" ? "mobile \(ring.number)" : ring.number
        return number + (ring.name.map { " \($0)" } ?? "")
    }

    /// Rows whose cells stand below each other.
    private static func columns(_ rows: [[String]]) -> [String] {
        let count = rows.map(\.count).max() ?? 0
        let widths = (0..<count).map { column in rows.map { column < $0.count ? $0[column].count : 0 }.max() ?? 0 }
        return rows.map { row in
            let cells = row.enumerated().map { column, cell in
                column == row.count - 1 ? cell : cell + String(repeating: " ", count: widths[column] - cell.count)
            }
            let line = cells.joined(separator: "  ")
            return String(line.prefix(line.count - line.reversed().prefix { $0 == " " }.count))
        }
    }
}
