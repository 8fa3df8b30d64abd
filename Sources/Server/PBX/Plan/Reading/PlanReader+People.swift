import AdapterKit
import Connector

/// Reading who can be rung: extensions, groups, queues, boxes.
extension PlanReader {
    private static let sharedKeys = ["line", "may_dial", "may_not_dial", "calls", "record", "auto_answer", "for", "limits"]

    mutating func readExtensions(_ field: SettingTree.Field?, everyone: SettingTree.Field?, of tree: SettingTree) {
        var pattern = PlanExtension(number: "")
        if let everyone, let fields = section(everyone.value, called: everyone.name, known: Self.sharedKeys) {
            readShared(fields, into: &pattern)
        }
        guard let field else {
            return note(
                "`extensions` is missing", hint: "list the telephones: `extensions: {\"101\": {secret: env:PBX_101}}`",
                at: tree.place)
        }
        for (name, field) in entries(field) { readExtension(name, field, pattern) }
    }

    private mutating func readExtension(_ name: String, _ field: SettingTree.Field, _ pattern: PlanExtension) {
        guard let number = short(name, at: field.place) else { return }
        numbers.append(PlanNumber(number, .extension, at: field.place))
        let known = ["name", "secret", "mobile", "voicemail", "otherwise"] + Self.sharedKeys
        guard let fields = section(field.value, called: name, known: known) else { return }
        var one = pattern
        one.number = number
        one.name = text(fields["name"])
        if let secret = fields["secret"], let text = text(secret) {
            one.secret = PlanSecret(text)
        } else if fields["secret"] == nil {
            note(
                "`secret` is missing in `\(name)`", hint: "its telephone registers with it: `secret: env:PBX_\(name)`",
                at: field.place)
        }
        if let mobile = fields["mobile"], let text = text(mobile) {
            one.mobile = e164(PlanWord(text: text, place: mobile.value.place))
        }
        one.voicemail = reference(fields["voicemail"], .voicemail)
        if let otherwise = fields["otherwise"] { one.otherwise = steps(otherwise, within: nil) }
        readShared(fields, into: &one)
        plan.extensions[number] = one
    }

    private mutating func readShared(_ fields: [String: SettingTree.Field], into one: inout PlanExtension) {
        if let line = fields["line"] { one.lines = lines(line) }
        if let field = fields["may_dial"] { one.mayDial.allowed = field.value.text == "nowhere" ? [] : destinations(field) }
        if let field = fields["may_not_dial"] { one.mayDial.denied = destinations(field) }
        if let calls = integer(fields["calls"], 1...100) { one.calls = calls }
        if let isRecorded = flag(fields["record"]) { one.isRecorded = isRecorded }
        if let field = fields["auto_answer"] { one.autoAnswer = autoAnswer(field) }
        if let time = ringTime(fields["for"]) { one.ringTime = time }
        if let field = fields["limits"] { one.limits = limits(field, .extension, over: one.limits) }
    }

    /// Numbers of ours; each is remembered, to be looked for among those of trunks.
    mutating func lines(_ field: SettingTree.Field) -> [String] {
        words(field).compactMap { word in
            guard let line = e164(word) else { return nil }
            linePlaces.append(LinePlace(line: line, trunks: nil, place: word.place))
            return line
        }
    }

    mutating func destinations(_ field: SettingTree.Field) -> [Destination] { words(field).compactMap { destination($0) } }

    // MARK: Picking up by itself

    private static let headers = ["call-info", "alert-info", "answer-mode", "priv-answer-mode", "p-auto-answer"]

    /// `call_info`, `alert_info`, or a header as it is to be sent.
    private mutating func autoAnswer(_ field: SettingTree.Field) -> AutoAnswerHeader? {
        guard let text = text(field) else { return nil }
        switch text {
        case "call_info": return .callInfo
        case "alert_info": return .alertInfo
        case "off", "false": return nil
        default: break
        }
        let parts = text.split(separator: ":", maxSplits: 1)
        guard parts.count == 2, Self.isAutoAnswerName(parts[0].lowercased()),
            text.utf8.count <= 200, text.utf8.allSatisfy({ (0x20...0x7E).contains($0) })
        else {
            note(
                "`\(field.name)` is no header that lets a telephone pick up",
                hint: "write call_info, alert_info, or what the telephone's manual says, as in \"Alert-Info: ring-answer\"",
                at: field.value.place)
            return nil
        }
        return AutoAnswerHeader(name: String(parts[0]), value: Self.trimmed(parts[1]))
    }

    private static func isAutoAnswerName(_ name: String) -> Bool {
        headers.contains(name)
            || name.hasPrefix("x-")
                && name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D }
    }

    // MARK: Several

    /// Telephones by their words; a group among them is noted.
    mutating func targets(_ field: SettingTree.Field) -> [RingTarget] {
        var targets: [RingTarget] = []
        for word in words(field) {
            guard let target = target(word) else { continue }
            if targets.contains(target) {
                note("`\(word.text)` stands twice in `\(field.name)`", hint: "remove one of them", at: word.place)
            } else {
                targets.append(target)
            }
        }
        return targets
    }

    /// `101`, `mobile 101`, `+79000000010`.
    mutating func target(_ word: PlanWord) -> RingTarget? {
        if word.text.first == "+" { return e164(word).map { .outside($0) } }
        if word.text.hasPrefix("mobile ") {
            let owner = Self.trimmed(word.text.dropFirst("mobile ".count))
            references.append(PlanReference(.mobile, owner, at: word.place))
            return .mobile(of: owner)
        }
        if Self.areDigits(word.text) {
            references.append(PlanReference(.extension, word.text, at: word.place))
            return .extension(word.text)
        }
        note("`\(word.text)` is no telephone", hint: "write an extension (101), mobile 101, or a whole number", at: word.place)
        return nil
    }

    /// A name of something that must be there.
    mutating func reference(_ field: SettingTree.Field?, _ kind: PlanReference.Kind) -> String? {
        guard let field, let text = text(field) else { return nil }
        references.append(PlanReference(kind, text, at: field.value.place))
        return text
    }

    private mutating func ownNumber(_ field: SettingTree.Field?, _ kind: PlanNumber.Kind) -> String? {
        guard let field, let text = text(field), let number = short(text, at: field.value.place) else { return nil }
        numbers.append(PlanNumber(number, kind, at: field.value.place))
        return number
    }

    private mutating func members(_ fields: [String: SettingTree.Field], of name: String, at place: SettingTree.Place)
        -> [RingTarget]
    {
        guard let field = fields["members"] else {
            note("`members` is missing in `\(name)`", hint: "write `members: [\"101\", \"102\"]`", at: place)
            return []
        }
        return targets(field)
    }

    mutating func readGroup(_ name: String, _ field: SettingTree.Field) {
        guard let fields = section(field.value, called: name, known: ["number", "members", "ring", "for"]) else { return }
        var group = RingGroup(name: name)
        group.number = ownNumber(fields["number"], .group)
        group.members = members(fields, of: name, at: field.place)
        if let manner = word(fields["ring"], of: RingManner.self) { group.manner = manner }
        if let time = ringTime(fields["for"]) { group.ringTime = time }
        plan.groups[name] = group
    }

    mutating func readQueue(_ name: String, _ field: SettingTree.Field) {
        let known = [
            "number", "members", "ring", "for", "rest", "music", "position_every", "longest_wait", "places", "otherwise",
        ]
        guard let fields = section(field.value, called: name, known: known) else { return }
        var queue = CallQueue(name: name)
        queue.number = ownNumber(fields["number"], .queue)
        queue.members = members(fields, of: name, at: field.place)
        if let strategy = word(fields["ring"], of: CallQueue.Strategy.self) { queue.strategy = strategy }
        if let time = ringTime(fields["for"]) { queue.ringTime = time }
        if let time = duration(fields["rest"], 0...3600) { queue.restTime = time }
        queue.music = reference(fields["music"], .prompt)
        readPosition(fields["position_every"], into: &queue)
        if let time = duration(fields["longest_wait"], 10...14_400) { queue.longestWait = time }
        if let places = integer(fields["places"], 1...500) { queue.places = places }
        if let otherwise = fields["otherwise"] { queue.otherwise = steps(otherwise, within: .queue(name)) }
        plan.queues[name] = queue
    }

    /// The prompts that tell the place must be there.
    private mutating func readPosition(_ field: SettingTree.Field?, into queue: inout CallQueue) {
        guard let field, let every = duration(field, 10...3600) else { return }
        queue.positionEvery = every
        for prompt in CallQueue.positionPrompts { references.append(PlanReference(.prompt, prompt, at: field.value.place)) }
    }

    mutating func readVoicemail(_ name: String, _ field: SettingTree.Field) {
        guard let fields = section(field.value, called: name, known: ["greeting", "longest", "for"]) else { return }
        var box = VoicemailBox(name: name)
        box.greeting = reference(fields["greeting"], .prompt)
        if let longest = duration(fields["longest"], 5...1800) { box.longest = longest }
        guard let owners = fields["for"] else {
            return note("`for` is missing in `\(name)`", hint: "who may hear it? `for: [\"101\"]`", at: field.place)
        }
        for word in words(owners) {
            references.append(PlanReference(.extension, word.text, at: word.place))
            box.owners.append(word.text)
        }
        plan.voicemail[name] = box
    }
}
