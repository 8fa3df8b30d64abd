import AdapterKit
import Connector

/// Reading what becomes of a call: steps, menus, and which line takes which.
extension PlanReader {
    /// Kinds of steps, each with what may stand beside it.
    private static let kinds: [(name: String, options: [String])] = [
        ("schedule", ["otherwise"]), ("announce", []), ("record", []), ("responsible", []), ("ring", ["how", "for"]),
        ("queue", []),
        ("menu", []), ("voicemail", []), ("forward", ["for"]), ("route", []), ("hang_up", []),
    ]
    private static let stepKeys = kinds.map(\.name) + ["otherwise", "how", "for"]

    /// A list of steps, one step alone, or the name of a route.
    /// - Parameter owner: who leads there without the caller's doing; `nil` where a key or a dialled number does.
    mutating func steps(_ field: SettingTree.Field, within owner: StepWays.Place?) -> [PlanStep] {
        if field.value.text != nil {
            guard let name = text(field) else { return [] }
            lead(owner, to: .route(name), at: field.value.place)
            references.append(PlanReference(.route, name, at: field.value.place))
            return [.route(name)]
        }
        guard let list = field.value.list ?? (field.value.fields != nil ? [field.value] : nil), !list.isEmpty else {
            note("`\(field.name)` is \(field.value.kind)", hint: "write steps, as in [{ring: \"101\"}]", at: field.value.place)
            return []
        }
        guard list.count <= Self.stepLimit else {
            note("`\(field.name)` has too many steps", hint: "\(Self.stepLimit) are the limit", at: field.place)
            return []
        }
        var steps: [PlanStep] = []
        for element in list {
            if steps.last?.isLast == true {
                note("this step is never reached", hint: "nothing follows after route, voicemail and hang_up", at: element.place)
                break
            }
            if let step = step(element, within: owner) { steps.append(step) }
        }
        return steps
    }

    private mutating func lead(_ owner: StepWays.Place?, to target: StepWays.Place, at place: SettingTree.Place) {
        if let owner { ways.add(from: owner, to: target, at: place) }
    }

    private mutating func step(_ tree: SettingTree, within owner: StepWays.Place?) -> PlanStep? {
        if let text = tree.text {
            note("`\(text)` alone is no step", hint: "say what is done, as in `ring: sales` or `hang_up: busy`", at: tree.place)
            return nil
        }
        guard let fields = section(tree, called: "a step", known: Self.stepKeys) else { return nil }
        let kinds = Self.kinds.filter { fields[$0.name] != nil }
        guard kinds.count == 1, let kind = kinds.first, let field = fields[kind.name] else {
            note(
                kinds.isEmpty ? "a step does nothing" : "a step does several things",
                hint: "write one of \(Self.kinds.map(\.name).joined(separator: ", ")) for each step", at: tree.place)
            return nil
        }
        for name in Self.stepKeys where name != kind.name && !kind.options.contains(name) {
            guard let field = fields[name] else { continue }
            note("`\(name)` means nothing to `\(kind.name)`", hint: "remove it", at: field.place)
        }
        return step(kind.name, field, fields, within: owner)
    }

    private mutating func step(
        _ kind: String, _ field: SettingTree.Field, _ fields: [String: SettingTree.Field], within owner: StepWays.Place?
    ) -> PlanStep? {
        switch kind {
        case "schedule": return schedule(field, otherwise: fields["otherwise"], within: owner)
        case "announce": return reference(field, .prompt).map { .announce($0) }
        case "record": return flag(field).map { .record($0) }
        case "responsible": return ringTime(field).map { .responsible($0) }
        case "ring": return ring(field, fields)
        case "voicemail": return reference(field, .voicemail).map { .voicemail($0) }
        case "forward": return forward(field, fields["for"])
        case "hang_up": return word(field, of: HangUpCause.self).map { .hangUp($0) }
        case "queue":
            return reference(field, .queue).map { name in
                lead(owner, to: .queue(name), at: field.place)
                return .queue(name)
            }
        case "menu":
            return reference(field, .menu).map { name in
                lead(owner, to: .menu(name), at: field.place)
                return .menu(name)
            }
        default:
            return reference(field, .route).map { name in
                lead(owner, to: .route(name), at: field.place)
                return .route(name)
            }
        }
    }

    private mutating func schedule(
        _ field: SettingTree.Field, otherwise: SettingTree.Field?, within owner: StepWays.Place?
    ) -> PlanStep? {
        guard let name = reference(field, .schedule) else { return nil }
        guard let otherwise else {
            note(
                "`otherwise` is missing beside `schedule`",
                hint: "what becomes of a call when it is closed? `otherwise: {hang_up: unavailable}`", at: field.place)
            return nil
        }
        return .schedule(name, otherwise: steps(otherwise, within: owner))
    }

    private mutating func ring(_ field: SettingTree.Field, _ fields: [String: SettingTree.Field]) -> PlanStep? {
        let words = words(field)
        let whom: [RingStep.Whom] = words.compactMap { word in
            guard Self.isName(word.text) else { return target(word).map { .target($0) } }
            references.append(PlanReference(.group, word.text, at: word.place))
            return .group(word.text)
        }
        let manner = word(fields["how"], of: RingManner.self)
        let time = ringTime(fields["for"])
        return whom.isEmpty ? nil : .ring(RingStep(whom, manner: manner, ringTime: time))
    }

    private mutating func forward(_ field: SettingTree.Field, _ time: SettingTree.Field?) -> PlanStep? {
        guard let text = text(field), let target = target(PlanWord(text: text, place: field.value.place)) else { return nil }
        if case .extension = target {
            note(
                "`forward` sends a call outside", hint: "write `ring: \"\(text)\"`, or `forward: mobile \(text)`", at: field.place
            )
            return nil
        }
        return .forward(target, ringTime(time) ?? .seconds(40))
    }

    // MARK: Menus

    mutating func readMenu(_ name: String, _ field: SettingTree.Field) {
        let known = ["prompt", "keys", "dial_extensions", "wait", "times", "invalid", "otherwise"]
        guard let fields = section(field.value, called: name, known: known) else { return }
        for needed in ["prompt", "keys"] where fields[needed] == nil {
            note(
                "`\(needed)` is missing in `\(name)`", hint: "a menu has `prompt: welcome` and `keys: {1: {ring: sales}}`",
                at: field.place)
        }
        var menu = Menu(name: name, prompt: reference(fields["prompt"], .prompt) ?? "")
        for (key, field) in entries(fields["keys"]) {
            if key.utf8.count == 1, let character = key.first, "0123456789*#".contains(character) {
                menu.keys[character] = steps(field, within: nil)
            } else {
                note("`\(key)` is no key of a telephone", hint: "write 0 to 9, \"*\" or \"#\"", at: field.place)
            }
        }
        if let dials = flag(fields["dial_extensions"]) { menu.dialsExtensions = dials }
        if let wait = duration(fields["wait"], 1...60) { menu.wait = wait }
        if let times = integer(fields["times"], 1...10) { menu.times = times }
        menu.invalid = reference(fields["invalid"], .prompt)
        if let otherwise = fields["otherwise"] { menu.otherwise = steps(otherwise, within: .menu(name)) }
        plan.menus[name] = menu
    }

    // MARK: Incoming

    mutating func readIncoming(_ field: SettingTree.Field?) {
        for (name, field) in entries(field) {
            if name == "other" {
                plan.incoming.other = steps(field, within: nil)
            } else if Self.isE164(name) {
                plan.incoming.lines[name] = steps(field, within: nil)
            } else if TrunkID(name) != nil, !Self.areDigits(name) {
                references.append(PlanReference(.trunk, name, at: field.place))
                plan.incoming.trunks[name] = steps(field, within: nil)
            } else {
                note(
                    "`\(name)` is neither a line nor a trunk",
                    hint: "write a number with + and the country code, the name of a trunk's connection, or other",
                    at: field.place)
            }
        }
    }
}

extension PlanStep {
    /// Nothing follows it in its list.
    var isLast: Bool {
        switch self {
        case .voicemail, .route, .hangUp: true
        default: false
        }
    }
}
