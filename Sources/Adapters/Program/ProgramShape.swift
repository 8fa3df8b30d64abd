import Connector

/// Where an answer is not as it must be. Names the place, never the value.
struct ProgramShapeError: Error, Equatable, CustomStringConvertible {
    var place: String
    var problem: String

    init(_ place: String, _ problem: String) {
        self.place = place
        self.problem = problem
    }

    init(_ place: ProgramPlace, _ problem: String) { self.init(place.description, problem) }

    var description: String { "the answer\(place.isEmpty ? "" : "'s `\(place)`") \(problem)" }
}

/// Where a value stands in an answer. Written out where something is wrong there, which is seldom.
indirect enum ProgramPlace: CustomStringConvertible {
    case answer
    case member(ProgramPlace, StaticString)
    case element(ProgramPlace, Int)

    var description: String {
        switch self {
        case .answer: ""
        case .member(.answer, let name): name.description
        case .member(let place, let name): "\(place.description).\(name)"
        case .element(let place, let number): "\(place.description)[\(number)]"
        }
    }
}

/// Reads an object of an answer strictly: what is not known, not of its kind or too long is an error with its place.
struct ProgramObject {
    /// The longest text.
    static let textLimit = 1024

    private let node: JSONNode
    private let place: ProgramPlace

    /// - Throws: where it is no object, or has members that are not `known`, or one of them twice.
    init(_ node: JSONNode, at place: ProgramPlace = .answer, known: NameSet) throws(ProgramShapeError) {
        self.node = node
        self.place = place
        guard node.isObject else { throw ProgramShapeError(place, "is no object") }
        var seen: UInt64 = 0
        var problem: ProgramShapeError?
        node.forEachMember { name, _ in
            guard let number = name.number(among: known) else {
                problem = problem ?? ProgramShapeError(place, "has an unknown member")
                return
            }
            if seen & 1 << UInt64(number) != 0 {
                let prefix = place.description.isEmpty ? "" : "\(place)."
                problem = problem ?? ProgramShapeError(prefix + (name.string ?? ""), "stands there twice")
            }
            seen |= 1 << UInt64(number)
        }
        if let problem { throw problem }
    }

    private func path(_ name: StaticString) -> ProgramPlace { .member(place, name) }

    private func error(_ name: StaticString, _ problem: String) -> ProgramShapeError { ProgramShapeError(path(name), problem) }

    /// `null` counts as absent.
    private func member(_ name: StaticString) -> JSONNode? {
        let member = node[name]
        return member.exists && !member.isNull ? member : nil
    }

    func has(_ name: StaticString) -> Bool { member(name) != nil }

    func text(_ name: StaticString, atMost limit: Int = textLimit) throws(ProgramShapeError) -> String? {
        guard let member = member(name) else { return nil }
        guard let text = member.string else { throw error(name, "is no text") }
        guard text.utf8.count <= limit else { throw error(name, "is too long") }
        return text
    }

    /// A text that must be there and say something.
    func someText(_ name: StaticString) throws(ProgramShapeError) -> String {
        guard let text = try text(name), !text.isEmpty else { throw error(name, "is missing") }
        return text
    }

    func word<Word: RawRepresentable & CaseIterable>(
        _ name: StaticString, _ type: Word.Type = Word.self
    ) throws(ProgramShapeError) -> Word? where Word.RawValue == String {
        guard let text = try text(name) else { return nil }
        if let word = Word(rawValue: text) { return word }
        throw error(name, "is none of \(Word.allCases.map(\.rawValue).joined(separator: ", "))")
    }

    func someWord<Word: RawRepresentable & CaseIterable>(
        _ name: StaticString, _ type: Word.Type = Word.self
    ) throws(ProgramShapeError) -> Word where Word.RawValue == String {
        guard let word: Word = try word(name) else { throw error(name, "is missing") }
        return word
    }

    func int(_ name: StaticString, in range: ClosedRange<Int>) throws(ProgramShapeError) -> Int? {
        guard let member = member(name) else { return nil }
        guard let number = member.int, range.contains(number) else {
            throw error(name, "is no whole number from \(range.lowerBound) to \(range.upperBound)")
        }
        return number
    }

    func flag(_ name: StaticString) throws(ProgramShapeError) -> Bool? {
        guard let member = member(name) else { return nil }
        guard let flag = member.bool else { throw error(name, "is neither true nor false") }
        return flag
    }

    /// RFC 3339 with its zone, or milliseconds since 1970.
    func moment(_ name: StaticString) throws(ProgramShapeError) -> Instant? {
        guard let member = member(name) else { return nil }
        let moment = member.string.flatMap { Instant(rfc3339: $0) } ?? member.int.map { Instant(milliseconds: Int64($0)) }
        guard let moment, moment >= .earliest, moment <= .latest else {
            throw error(name, "is no time: write 2026-11-02T07:15:20Z, or milliseconds since 1970")
        }
        return moment
    }

    /// An object within, read by `read`.
    func object<Value>(
        _ name: StaticString, known: NameSet, _ read: (ProgramObject) throws(ProgramShapeError) -> Value
    ) throws(ProgramShapeError) -> Value? {
        guard let member = member(name) else { return nil }
        return try read(ProgramObject(member, at: path(name), known: known))
    }

    /// The elements of a list, with their places; empty where it is absent.
    func list(_ name: StaticString, atMost limit: Int) throws(ProgramShapeError) -> [(place: ProgramPlace, node: JSONNode)] {
        guard let member = member(name) else { return [] }
        guard member.isArray else { throw error(name, "is no list") }
        let elements = member.elements
        guard elements.count <= limit else { throw error(name, "has more than \(limit) elements") }
        let path = path(name)
        return elements.enumerated().map { (.element(path, $0.offset), $0.element) }
    }

    /// Texts by names of the program's own choice.
    func texts(_ name: StaticString, atMost limit: Int) throws(ProgramShapeError) -> [(name: String, value: String)] {
        guard let member = member(name) else { return [] }
        guard member.isObject else { throw error(name, "is no object") }
        let members = member.members
        guard members.count <= limit else { throw error(name, "has more than \(limit) members") }
        var texts: [(name: String, value: String)] = []
        for (key, value) in members {
            guard let text = value.anyText, key.utf8.count <= 128, text.utf8.count <= 2 * Self.textLimit else {
                throw error(name, "has a member that is no text, or too long")
            }
            texts.append((key, text))
        }
        return texts
    }
}
