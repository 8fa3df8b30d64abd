import Connector

/// What the ledger's thread reads: the hand-off, and the table where that had overflowed.
///
/// `@unchecked Sendable`: `reader` is used by the ledger's thread alone, as the port demands.
final class LedgerFeed: @unchecked Sendable {
    private let handOff: HandOff
    private let path: String
    private let configuration: JournalConfiguration
    private var reader: SQLiteReader?

    init(handOff: HandOff, path: String, configuration: JournalConfiguration) {
        self.handOff = handOff
        self.path = path
        self.configuration = configuration
    }

    func records(after position: Int64, limit: Int, timeout: Duration) throws -> [RawRecord] {
        switch handOff.next(after: position, limit: limit, timeout: timeout) {
        case .records(let records): records
        case .nothing: []
        case .table: try openReader().rawRecords(after: position, limit: limit)
        }
    }

    private func openReader() throws(JournalError) -> SQLiteReader {
        if let reader { return reader }
        let opened = try SQLiteReader(path: path, cacheKilobytes: configuration.readerCacheKilobytes)
        reader = opened
        return opened
    }
}
