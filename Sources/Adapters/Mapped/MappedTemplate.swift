import AdapterKit
import Connector

/// What a command may put into a request.
enum Placeholder: String, Sendable, CaseIterable {
    case commandID = "command_id"
    case apiKey = "api_key"
    case apiUser = "api_user"
    /// `user:key` in base64, for `Authorization: Basic {api_basic}`.
    case apiBasic = "api_basic"
    case from, to, line
    case callerName = "caller_name"
    /// `true` or `false`; a JSON truth value where it stands alone.
    case record
    case digits
    /// The target's names and parties.
    case call, session, leg, user
    case externalNumber = "external_number"
    /// The recording that is to be fetched.
    case recording
    /// The beginning and the end of the part of the log that is wanted: RFC 3339, or since 1970.
    case since, until
    case sinceSeconds = "since_s"
    case sinceMilliseconds = "since_ms"
    case untilSeconds = "until_s"
    case untilMilliseconds = "until_ms"
    /// Its page, from 0 or from 1.
    case page
    case pageFromOne = "page_from_1"
    /// The same without anything but digits.
    case fromDigits = "from_digits"
    case toDigits = "to_digits"
    case lineDigits = "line_digits"
    case externalDigits = "external_digits"

    static let always: Set<Placeholder> = [.commandID, .apiKey, .apiUser, .apiBasic]
    private static let target: Set<Placeholder> = [.call, .session, .leg, .user, .externalNumber, .externalDigits]

    /// What a command of that kind knows.
    static func known(to capability: Capability) -> Set<Placeholder> {
        switch capability {
        case .originate: always.union([.from, .to, .line, .callerName, .record, .fromDigits, .toDigits, .lineDigits])
        case .blindTransfer, .attendedTransfer: always.union(target).union([.to, .toDigits])
        case .dtmf: always.union(target).union([.digits])
        case .hangup, .hold, .resume, .recordStart, .recordStop: always.union(target)
        case .recordings: [.apiKey, .apiUser, .apiBasic, .recording]
        case .history:
            [
                .apiKey, .apiUser, .apiBasic, .since, .until, .sinceSeconds, .sinceMilliseconds, .untilSeconds,
                .untilMilliseconds, .page, .pageFromOne,
            ]
        case .routing: []
        }
    }
}

/// A text with places to fill in: `Bearer {api_key}`. Braces that are meant are doubled.
struct MappedTemplate: Sendable, Equatable {
    enum Part: Sendable, Equatable {
        case text(String)
        case place(Placeholder)
    }

    var parts: [Part]

    var places: [Placeholder] {
        parts.compactMap { if case .place(let place) = $0 { place } else { nil } }
    }

    /// Why a template cannot be read.
    struct Problem: Error, Equatable {
        var text: String
        var hint: String
    }

    init(_ parts: [Part]) { self.parts = parts }

    /// - Throws: `Problem`.
    init(_ text: String, known: Set<Placeholder>) throws(Problem) {
        parts = []
        var literal = ""
        var rest = Substring(text)
        while let next = rest.popFirst() {
            if next == "{" || next == "}", rest.first == next {
                rest.removeFirst()
                literal.append(next)
            } else if next == "{" {
                if !literal.isEmpty { parts.append(.text(literal)) }
                literal = ""
                parts.append(.place(try Self.place(&rest, known)))
            } else if next == "}" {
                throw Problem(text: "`}` closes nothing", hint: "write }} for a brace that is meant")
            } else {
                literal.append(next)
            }
        }
        if !literal.isEmpty { parts.append(.text(literal)) }
    }

    private static func place(_ rest: inout Substring, _ known: Set<Placeholder>) throws(Problem) -> Placeholder {
        guard let end = rest.firstIndex(of: "}") else {
            throw Problem(text: "`{` is not closed", hint: "write {{ for a brace that is meant")
        }
        let name = String(rest[..<end])
        rest = rest[rest.index(after: end)...]
        guard let place = Placeholder(rawValue: name), known.contains(place) else {
            let names = Placeholder.allCases.filter(known.contains).map(\.rawValue)
            throw Problem(text: "there is no `{\(name)}` here", hint: NearestName.hint(for: name, among: names))
        }
        return place
    }

    /// Filled in; nil where a value is not there.
    func filled(_ values: [Placeholder: String], _ escape: (String) -> String = { $0 }) -> String? {
        var text = ""
        for part in parts {
            switch part {
            case .text(let literal): text += literal
            case .place(let place):
                guard let value = values[place] else { return nil }
                text += escape(value)
            }
        }
        return text
    }
}

/// A name and what is sent under it.
struct MappedField: Sendable, Equatable {
    var name: String
    var template: MappedTemplate
}

/// A JSON body with places to fill in. Members and elements whose values are not there are left out.
indirect enum MappedJSON: Sendable, Equatable {
    case value(JSONValue)
    case text(MappedTemplate)
    case list([MappedJSON])
    case object([(name: String, value: MappedJSON)])

    static func == (left: Self, right: Self) -> Bool {
        switch (left, right) {
        case (.value(let left), .value(let right)): left == right
        case (.text(let left), .text(let right)): left == right
        case (.list(let left), .list(let right)): left == right
        case (.object(let left), .object(let right)):
            left.map(\.name) == right.map(\.name) && left.map(\.value) == right.map(\.value)
        default: false
        }
    }

    func filled(_ values: [Placeholder: String]) -> JSONValue? {
        switch self {
        case .value(let value): value
        case .text(let template):
            if template.parts == [.place(.record)] {
                values[.record].map { .bool($0 == "true") }
            } else {
                template.filled(values).map { .string($0) }
            }
        case .list(let list): .array(list.compactMap { $0.filled(values) })
        case .object(let members):
            .object(members.compactMap { member in member.value.filled(values).map { .init(member.name, $0) } })
        }
    }

    var places: [Placeholder] {
        switch self {
        case .value: []
        case .text(let template): template.places
        case .list(let list): list.flatMap(\.places)
        case .object(let members): members.flatMap(\.value.places)
        }
    }
}

/// One command as a request to the vendor's API.
struct MappedCommand: Sendable, Equatable {
    enum Method: String, Sendable, CaseIterable {
        case get = "GET"
        case post = "POST"
        case put = "PUT"
        case patch = "PATCH"
        case delete = "DELETE"
    }

    enum Body: Sendable, Equatable {
        case none
        case form([MappedField])
        case json(MappedJSON)
    }

    /// How to read what the vendor says.
    struct Answer: Sendable, Equatable {
        /// Where the name of the new call stands.
        var call: [String]?
        /// Where the vendor's own code stands.
        var code: [String]?
        /// Codes that mean yes; empty where the status says it all.
        var successes: [String] = []
    }

    var method: Method
    /// On the server of `base_url`; begins with a slash.
    var path: MappedTemplate
    var query: [MappedField] = []
    var headers: [MappedField] = []
    var body = Body.none
    var answer = Answer()

    var places: [Placeholder] {
        let ofBody: [Placeholder]
        switch body {
        case .none: ofBody = []
        case .form(let fields): ofBody = fields.flatMap(\.template.places)
        case .json(let json): ofBody = json.places
        }
        return path.places + (query + headers).flatMap(\.template.places) + ofBody
    }
}
