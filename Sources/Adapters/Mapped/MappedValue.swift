import Connector

/// Where a value stands in a request, and what is to be done with it.
struct MappedValue: Sendable, Equatable {
    /// Values longer than this are none; the raw record keeps them.
    static let limit = 2048

    enum Source: Sendable, Hashable {
        /// A form's field by its name, or the steps into a JSON body.
        case body([String])
        case query(String)
        /// In lower case.
        case header(String)
        case constant(String)
    }

    var source: Source
    var filters: [MappedFilter] = []

    /// The header it needs, in lower case.
    var header: String? {
        if case .header(let name) = source { name } else { nil }
    }

    /// The field of a body that it is.
    var field: [String]? {
        if case .body(let steps) = source { steps } else { nil }
    }

    /// Whether a `default` took the place of what stood there.
    func isReplaced(_ found: String?) -> Bool {
        var text = found
        for filter in filters {
            if case .standard = filter, text == nil { return true }
            text = filter.apply(text)
        }
        return false
    }

    /// Every text that a table or a `default` can make of it, where these are all there are; nil where it may be anything.
    ///
    /// So a word that no enumeration knows is found when the file is read, not when the first call comes.
    var outcomes: [String]? {
        var outcomes: [String]?
        if case .constant(let text) = source { outcomes = [text] }
        for filter in filters {
            switch filter {
            case .map(let table): outcomes = table.values.sorted()
            case .standard(let standard): outcomes = outcomes.map { $0 + [standard] }
            default: outcomes = outcomes.map { $0.compactMap { filter.apply($0) } }
            }
        }
        return outcomes
    }
}

/// A moment: a value and how it is written.
struct MappedMoment: Sendable, Equatable {
    var value: MappedValue
    var form: MappedTime
}

/// One end of a leg.
struct MappedParty: Sendable, Equatable {
    enum Kind: String, Sendable, CaseIterable {
        case external, user, ivr, queue, voicemail
        /// An employee by a short number of up to five digits, somebody outside by any other.
        case anyone
    }

    var kind: Kind
    var value: MappedValue
    /// The device of an employee.
    var endpoint: MappedValue?
}
