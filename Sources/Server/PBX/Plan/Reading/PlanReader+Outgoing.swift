import AdapterKit
import Connector

/// Reading how a call goes out: trunks, directions and prices, limits, and the numbers that count always.
extension PlanReader {
    // MARK: Trunks

    mutating func readTrunk(_ name: String, _ field: SettingTree.Field) {
        guard let fields = section(field.value, called: name, known: ["lines", "billed_by", "limits"]) else { return }
        references.append(PlanReference(.trunk, name, at: field.place))
        var trunk = PlanTrunk(name: name)
        if let lines = fields["lines"] { trunk.lines = words(lines).compactMap { e164($0) } }
        if let unit = word(fields["billed_by"], of: CallPrice.Unit.self) { trunk.unit = unit }
        if let limits = fields["limits"] { trunk.limits = self.limits(limits, .trunk(name), over: CallLimits()) }
        plan.trunks.append(trunk)
    }

    /// A trunk that a rule or an incoming route names; one that `trunks` does not list has nothing said of it.
    private mutating func trunk(_ word: PlanWord) -> String? {
        guard TrunkID(word.text) != nil else {
            note(
                "`\(word.text)` is no name of a trunk", hint: "write the name of its connection's file, or connection/account",
                at: word.place)
            return nil
        }
        references.append(PlanReference(.trunk, word.text, at: word.place))
        if plan.trunk(word.text) == nil { plan.trunks.append(PlanTrunk(name: word.text)) }
        return word.text
    }

    // MARK: Rules

    mutating func readOutgoing(_ field: SettingTree.Field?) {
        guard let field else { return }
        guard let rows = field.value.list, rows.count <= Self.countLimit else {
            return note(
                "`outgoing` is no list of rules, or too long", hint: "write `- {to: RU, by: my-trunk}` under it",
                at: field.value.place)
        }
        for row in rows { readRule(row) }
    }

    private mutating func readRule(_ tree: SettingTree) {
        guard let fields = section(tree, called: "a rule", known: ["to", "by", "when", "from", "priority", "line"]) else {
            return
        }
        for name in ["to", "by"] where fields[name] == nil {
            note(
                "`\(name)` is missing in a rule", hint: "a rule has `to:` and `by:`, as in {to: RU, by: my-trunk}", at: tree.place
            )
        }
        guard let to = fields["to"], let by = fields["by"] else { return }
        var rule = OutgoingRule(destinations(to), by: carriers(by), fileLine: tree.place.line)
        rule.schedule = reference(fields["when"], .schedule)
        if let priority = integer(fields["priority"], 1...9) { rule.priority = priority }
        readCallers(fields["from"], into: &rule)
        if let line = fields["line"], let text = text(line) {
            rule.line = e164(PlanWord(text: text, place: line.value.place))
            if let line = rule.line, let place = fields["line"]?.value.place {
                linePlaces.append(LinePlace(line: line, trunks: rule.carriers.map(\.trunk), place: place))
            }
        }
        noteRepeats(in: rule, at: tree.place)
        plan.outgoing.append(rule)
    }

    /// `nobody`, a trunk, several of them, or each with what a minute costs.
    private mutating func carriers(_ field: SettingTree.Field) -> [OutgoingRule.Carrier] {
        if field.value.text == "nobody" { return [] }
        guard let priced = field.value.fields else {
            return words(field).compactMap { trunk($0).map { OutgoingRule.Carrier(trunk: $0) } }
        }
        return priced.compactMap { pair in
            guard let name = trunk(PlanWord(text: pair.name, place: pair.place)),
                let price = money(pair.value, called: pair.name)
            else { return nil }
            return OutgoingRule.Carrier(trunk: name, price: price)
        }
    }

    private mutating func readCallers(_ field: SettingTree.Field?, into rule: inout OutgoingRule) {
        for word in words(field) {
            if Self.isName(word.text) {
                references.append(PlanReference(.group, word.text, at: word.place))
                callerGroups.append((plan.outgoing.count, word.text))
            } else {
                references.append(PlanReference(.extension, word.text, at: word.place))
                rule.callers.append(word.text)
            }
        }
    }

    /// Of two rows that say the same of a trunk, the second never counts.
    private mutating func noteRepeats(in rule: OutgoingRule, at place: SettingTree.Place) {
        guard rule.callers.isEmpty, callerGroups.last?.rule != plan.outgoing.count else { return }
        for destination in rule.destinations {
            for trunk in rule.forbids ? [""] : rule.carriers.map(\.trunk) {
                let row = CarriedDestination(destination: destination, trunk: trunk, schedule: rule.schedule)
                guard !carried.insert(row).inserted else { continue }
                let by = trunk.isEmpty ? "nobody" : trunk
                note(
                    "`\(destination)` by `\(by)` stands twice", hint: "the second rule never counts; remove one of them",
                    at: place)
            }
        }
    }

    /// The extensions of the groups that rules name as callers.
    mutating func expandCallers() {
        for (rule, name) in callerGroups where rule < plan.outgoing.count {
            for case .extension(let number) in plan.groups[name]?.members ?? []
            where !plan.outgoing[rule].callers.contains(number) {
                plan.outgoing[rule].callers.append(number)
            }
        }
    }

    // MARK: Limits

    mutating func limits(_ field: SettingTree.Field, _ owner: MoneyPlace.Owner, over standard: CallLimits) -> CallLimits {
        var limits = standard
        guard let fields = section(field.value, called: field.name, known: ["at_once", "an_hour", "money_a_day"]) else {
            return limits
        }
        if let count = limit(fields["at_once"]) { limits.atOnce = count }
        if let count = limit(fields["an_hour"]) { limits.anHour = count }
        if let field = fields["money_a_day"], let money = money(field.value, called: field.name) {
            limits.moneyADay = money
            moneyPlaces.append(MoneyPlace(owner: owner, place: field.place))
        }
        return limits
    }

    private mutating func limit(_ field: SettingTree.Field?) -> Int? { integer(field, 0...100_000) }

    mutating func readDestinationLimits(_ field: SettingTree.Field?) {
        for (name, field) in entries(field) {
            guard let destination = destination(PlanWord(text: name, place: field.place)) else { continue }
            let limits = limits(field, .destination(destination), over: CallLimits())
            plan.destinationLimits.append(DestinationLimit(destination, limits))
        }
    }

    // MARK: Always

    mutating func readEmergency(_ field: SettingTree.Field?) {
        guard let field else { return }
        var by: SettingTree.Field?
        var numbers: SettingTree.Field? = field
        if field.value.fields != nil {
            guard let fields = section(field.value, called: field.name, known: ["numbers", "by"]) else { return }
            (numbers, by) = (fields["numbers"], fields["by"])
        }
        if let numbers {
            plan.emergency.numbers = words(numbers).compactMap { word in
                guard let number = short(word.text, at: word.place) else { return nil }
                self.numbers.append(PlanNumber(number, .emergency, at: word.place))
                return number
            }
        }
        plan.emergency.trunks = words(by).compactMap { trunk($0) }
    }

    mutating func readFeatures(_ field: SettingTree.Field?) {
        guard let field, let fields = section(field.value, called: field.name, known: ["pick_up", "voicemail", "echo"]) else {
            return
        }
        readFeature(fields["pick_up"], into: \.pickUp)
        readFeature(fields["voicemail"], into: \.voicemail)
        readFeature(fields["echo"], into: \.echo)
    }

    private mutating func readFeature(_ field: SettingTree.Field?, into target: WritableKeyPath<FeatureCodes, String?>) {
        guard let field, let text = text(field) else { return }
        guard text != "off", text != "false" else {
            plan.features[keyPath: target] = nil
            return
        }
        let digits = text.drop { $0 == "*" || $0 == "#" }
        guard text.first == "*" || text.first == "#", (1...4).contains(digits.utf8.count), text.utf8.count <= 6,
            Self.areDigits(digits)
        else {
            return note(
                "`\(text)` is no feature code", hint: "write \"*\" and one to four digits, as in \"*8\", or off",
                at: field.value.place)
        }
        numbers.append(PlanNumber(text, .feature, at: field.value.place))
        plan.features[keyPath: target] = text
    }

    /// Answers one by one (`404`), by their hundred (`5xx`), `timeout`, `unreachable`; or `never`.
    mutating func readFailOver(_ field: SettingTree.Field) {
        var rule = FailOverRule()
        (rule.statuses, rule.classes, rule.onTimeout, rule.onUnreachable) = ([], [], false, false)
        defer { plan.failOver = rule }
        if field.value.text == "never" { return }
        for word in words(field) {
            switch word.text {
            case "timeout": rule.onTimeout = true
            case "unreachable": rule.onUnreachable = true
            case "4xx": rule.classes.insert(4)
            case "5xx": rule.classes.insert(5)
            default: readStatus(word, into: &rule)
            }
        }
    }

    private mutating func readStatus(_ word: PlanWord, into rule: inout FailOverRule) {
        guard word.text.utf8.count == 3, let status = DecimalInteger.parse(word.text.utf8), (300...699).contains(status) else {
            return note(
                "`\(word.text)` is no failure", hint: "write answers of SIP (404), 4xx, 5xx, timeout, unreachable, or never",
                at: word.place)
        }
        guard !FailOverRule.final.contains(UInt16(status)) else {
            return note(
                "after \(status) no other trunk is tried", hint: "it is the called person's own word; remove it", at: word.place)
        }
        rule.statuses.insert(UInt16(status))
    }
}
