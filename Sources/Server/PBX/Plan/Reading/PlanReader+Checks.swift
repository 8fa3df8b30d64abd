import AdapterKit
import Connector

/// Judging what all parts of the plan say of each other.
extension PlanReader {
    // MARK: Names

    mutating func checkReferences(knownTrunks: Set<String>?, hasPrompt: ((_ folder: String, _ name: String) -> Bool)?) {
        for reference in references where problems.count < Self.problemLimit {
            switch reference.kind {
            case .prompt: check(prompt: reference, hasPrompt)
            case .trunk: if let knownTrunks { check(trunk: reference, knownTrunks) }
            case .mobile: check(mobile: reference)
            default: check(reference)
            }
        }
    }

    private func names(of kind: PlanReference.Kind) -> [String] {
        switch kind {
        case .extension, .mobile: Array(plan.extensions.keys)
        case .group: Array(plan.groups.keys)
        case .queue: Array(plan.queues.keys)
        case .menu: Array(plan.menus.keys)
        case .schedule: Array(plan.schedules.keys)
        case .voicemail: Array(plan.voicemail.keys)
        case .route: Array(plan.routes.keys)
        case .prompt, .trunk: []
        }
    }

    private func knows(_ name: String, _ kind: PlanReference.Kind) -> Bool {
        switch kind {
        case .extension, .mobile: plan.extensions[name] != nil
        case .group: plan.groups[name] != nil
        case .queue: plan.queues[name] != nil
        case .menu: plan.menus[name] != nil
        case .schedule: plan.schedules[name] != nil
        case .voicemail: plan.voicemail[name] != nil
        case .route: plan.routes[name] != nil
        case .prompt, .trunk: true
        }
    }

    private mutating func check(_ reference: PlanReference) {
        guard !knows(reference.name, reference.kind) else { return }
        let known = names(of: reference.kind).sorted()
        note(
            "there is no \(reference.kind.rawValue) `\(reference.name)`",
            hint: otherKind(of: reference) ?? hint(for: reference.name, among: known, section: reference.kind.section),
            at: reference.place)
    }

    private func hint(for name: String, among known: [String], section: String) -> String {
        if let meant = NearestName.suggest(for: name, among: known) { return "did you mean `\(meant)`?" }
        guard !known.isEmpty else { return "describe it under `\(section):`" }
        let some = known.prefix(12).map { "`\($0)`" }.joined(separator: ", ")
        return "there are \(some)\(known.count > 12 ? ", …" : "")"
    }

    /// Where the name is something else, how that is written.
    private func otherKind(of reference: PlanReference) -> String? {
        let name = reference.name
        if reference.kind == .extension {
            if let group = plan.groups.values.first(where: { $0.number == name }) {
                return "\(name) is the group `\(group.name)`: write that"
            }
            if let queue = plan.queues.values.first(where: { $0.number == name }) {
                return "\(name) is a queue: write `queue: \(queue.name)`"
            }
            return nil
        }
        guard [.group, .queue, .menu, .route, .voicemail].contains(reference.kind) else { return nil }
        let steps: [(PlanReference.Kind, String)] = [
            (.group, "ring"), (.queue, "queue"), (.menu, "menu"), (.voicemail, "voicemail"), (.route, "route"),
        ]
        let other = steps.first { $0.0 != reference.kind && knows(name, $0.0) }
        return other.map { "there is a \($0.0.rawValue) of this name: write `\($0.1): \(name)`" }
    }

    private mutating func check(mobile reference: PlanReference) {
        guard let owner = plan.extensions[reference.name] else { return check(reference) }
        guard owner.mobile == nil else { return }
        note(
            "\(reference.name) has no mobile telephone", hint: "write `mobile: \"+7…\"` at the extension", at: reference.place)
    }

    private mutating func check(trunk reference: PlanReference, _ known: Set<String>) {
        let connection = reference.name.prefix { $0 != "/" }
        guard !known.contains(reference.name), !known.contains("\(connection)/*") else { return }
        note(
            "there is no trunk `\(reference.name)`",
            hint: known.isEmpty
                ? "make a connection of that name with `adapter: sip-trunk` or `multifon`"
                : hint(for: reference.name, among: known.sorted(), section: "trunks"), at: reference.place)
    }

    private mutating func check(prompt reference: PlanReference, _ hasPrompt: ((_ folder: String, _ name: String) -> Bool)?) {
        let name = reference.name
        let isPlain = name.utf8.allSatisfy { byte in
            (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) && byte >= 0x41 || byte == 0x2D || byte == 0x5F
        }
        guard (1...64).contains(name.utf8.count), isPlain else {
            return note(
                "`\(name)` is no name of a prompt",
                hint: "write its file's name without folder and ending: letters, digits, - and _", at: reference.place)
        }
        guard let hasPrompt, !hasPrompt(plan.prompts.path, name) else { return }
        let text = plan.prompts.texts[name].map { ", saying: \($0)" } ?? ""
        note(
            "there is no prompt `\(name)`", hint: "record \(plan.prompts.path)/\(name).wav (8 kHz, mono)\(text)",
            at: reference.place)
    }

    // MARK: Numbers

    /// Whatever can be dialled means one thing.
    mutating func checkNumbers() {
        var taken: [String: PlanNumber.Kind] = [:]
        // What the file does not say counts too, and is told of at what it says.
        let isSaid = Set(numbers.map(\.text))
        for number in plan.emergency.numbers where !isSaid.contains(number) { taken[number] = .emergency }
        let codes = [plan.features.pickUp, plan.features.voicemail, plan.features.echo].compactMap(\.self)
        for code in codes where !isSaid.contains(code) { taken[code] = .feature }
        for number in numbers {
            if let other = taken[number.text] {
                note(
                    "\(number.text) is \(number.kind.rawValue) and \(other.rawValue)", hint: "give one of them another number",
                    at: number.place)
            } else {
                taken[number.text] = number.kind
            }
            guard number.kind == .feature, let other = codes.first(where: { $0 != number.text && $0.hasPrefix(number.text) })
            else { continue }
            note("\(other) begins like \(number.text)", hint: "choose codes of which none begins like another", at: number.place)
        }
    }

    /// A line that no trunk has cannot be shown.
    mutating func checkLines() {
        for one in linePlaces {
            let trunks = one.trunks.map { names in plan.trunks.filter { names.contains($0.name) } } ?? plan.trunks
            guard !trunks.isEmpty, trunks.allSatisfy({ !$0.lines.isEmpty && !$0.lines.contains(one.line) }) else { continue }
            let names = trunks.prefix(5).map { "`\($0.name)`" }.joined(separator: ", ")
            note("no trunk has the line \(PlanReader.masked(one.line))", hint: "list it under `lines` of \(names)", at: one.place)
        }
    }

    /// Numbers are not written out in messages.
    static func masked(_ number: String) -> String { "\(number.prefix(3))…\(number.suffix(2))" }

    // MARK: Money

    /// A limit of money needs a price wherever it is to hold.
    mutating func checkMoney() {
        for limit in moneyPlaces {
            for rule in plan.outgoing {
                guard let carrier = rule.carriers.first(where: { $0.price == nil && limit.owner.concerns($0, rule) }) else {
                    continue
                }
                note(
                    "`money_a_day` cannot be kept: the rule in line \(rule.fileLine) has no price for `\(carrier.trunk)`",
                    hint: "write `by: {\(carrier.trunk): 1.50}` there", at: limit.place)
                break
            }
        }
    }
}

extension MoneyPlace.Owner {
    fileprivate func concerns(_ carrier: OutgoingRule.Carrier, _ rule: OutgoingRule) -> Bool {
        switch self {
        case .extension: true
        case .trunk(let name): carrier.trunk == name
        case .destination(let destination):
            destination == .any || rule.destinations.contains { $0 == .any || destination.mayShareNumbers(with: $0) }
        }
    }
}

extension Destination {
    /// Whether some number may lead to both; where only the numbering plan knows, it is supposed.
    func mayShareNumbers(with other: Destination) -> Bool {
        switch (self, other) {
        case (.prefix(let one), .prefix(let two)): one.hasPrefix(two) || two.hasPrefix(one)
        case (.short(let one), .short(let two)): one == two
        case (.country(let one, let kind), .country(let two, let otherKind)):
            one == two && (kind == otherKind || kind == nil || otherKind == nil)
        case (.short, _), (_, .short): false
        default: true
        }
    }
}
