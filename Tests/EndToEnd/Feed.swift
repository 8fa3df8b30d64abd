import Connector
import Testing
import TestSupport

/// What must be true of the change feed, however it came about.
enum Feed {
    typealias Change = CRMClient.Change

    /// Cursors grow; of each call every revision is there once, from 1 on.
    static func expectWhole(_ changes: [Change], sourceLocation: SourceLocation = #_sourceLocation) {
        // Cursors are opaque to a CRM; that theirs is an order is ours to know.
        let cursors = changes.map(\.cursor)
        #expect(zip(cursors, cursors.dropFirst()).allSatisfy { $0 < $1 }, "cursors grow", sourceLocation: sourceLocation)
        for (id, own) in Dictionary(grouping: changes, by: \.id) {
            #expect(own.map(\.revision) == Array(1...own.count), "revisions of \(id)", sourceLocation: sourceLocation)
        }
    }

    /// The last change of each call is the call as it is asked for by its id.
    static func expectLatest(_ changes: [Change], of crm: CRMClient, sourceLocation: SourceLocation = #_sourceLocation) throws {
        for (id, own) in Dictionary(grouping: changes, by: \.id) {
            let isSame = try crm.json("/calls/\(id)") == own.last?.call
            #expect(isSame, "the latest of \(id)", sourceLocation: sourceLocation)
        }
    }

    /// The vendors' names of the calls in `changes`.
    static func vendorNames(_ changes: [Change]) -> Set<String> { Set(changes.compactMap { vendorName($0.call) }) }

    /// The vendor's name of a call: of the call itself (Zadarma) or of the whole contact (Mango).
    static func vendorName(_ call: JSONValue) -> String? {
        call["external_ids"]?.elements.first { ["call", "session"].contains($0["kind"]?.string) }?["value"]?.string
    }
}
