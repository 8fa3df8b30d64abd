import AdapterKit
import Connector

/// Reads the section `pbx` and notes everything that is wrong with it, so that a person mends all of it at once.
///
/// Readers answer `nil` after having noted a problem. Names are looked up when all is read: what they mean may stand further down.
/// ```swift
/// let plan = try PlanReader().read(section)      // SettingTreeError: each problem with line, column and hint
/// ```
package struct PlanReader: SettingTreeReader {
    static let countLimit = 2000
    static let stepLimit = 50
    package static let textLimit = 2000
    /// More are of no use to anybody.
    static let problemLimit = 200

    private(set) var problems: [SettingTreeError.Problem] = []
    var plan = DialPlan()
    /// What names refer to, to be looked up at the end.
    var references: [PlanReference] = []
    /// Which named lists of steps lead on to which, without the caller's doing.
    var ways = StepWays()
    /// What can be dialled within the house, and where the file says so.
    var numbers: [PlanNumber] = []
    /// Where limits of money stand.
    var moneyPlaces: [MoneyPlace] = []
    /// Where rules and extensions name lines.
    var linePlaces: [LinePlace] = []
    /// Groups that rules name as callers, by the rule's place in the plan.
    var callerGroups: [(rule: Int, group: String)] = []
    /// Destinations of rules: which trunk carries them, when and for whom.
    var carried: Set<CarriedDestination> = []

    private let hasPrompt: ((_ folder: String, _ name: String) -> Bool)?
    private let knownTrunks: Set<String>?

    /// - Parameters:
    ///   - hasPrompt: whether the plan's folder has a file for a prompt; `nil` leaves that open.
    ///   - knownTrunks: names of connections, and `connection/account`, that are trunks; `connection/*` where its accounts are not known;
    ///     `nil` leaves all of it open.
    package init(hasPrompt: ((_ folder: String, _ name: String) -> Bool)? = nil, knownTrunks: Set<String>? = nil) {
        self.hasPrompt = hasPrompt
        self.knownTrunks = knownTrunks
    }

    private static let keys = [
        "time_zone", "currency", "everyone", "extensions", "groups", "schedules", "menus", "queues", "voicemail", "prompts",
        "recording_format",
        "routes",
        "incoming", "trunks", "outgoing", "emergency", "features", "fail_over", "limits", "alarm_at",
    ]

    /// The whole plan.
    /// - Throws: all that is wrong with it.
    package func read(_ tree: SettingTree) throws(SettingTreeError) -> DialPlan {
        var reader = self
        reader.readAll(tree)
        guard reader.problems.isEmpty else {
            throw SettingTreeError(reader.problems.sorted { ($0.place.line, $0.place.column) < ($1.place.line, $1.place.column) })
        }
        return reader.plan
    }

    private mutating func readAll(_ tree: SettingTree) {
        guard let fields = section(tree, called: "pbx", known: Self.keys) else { return }
        if let zone = zone(fields["time_zone"]) { plan.zone = zone }
        readCurrency(fields["currency"])
        readPrompts(fields["prompts"])
        readRecordingFormat(fields["recording_format"])
        readExtensions(fields["extensions"], everyone: fields["everyone"], of: tree)
        for (name, field) in named(fields["groups"]) { readGroup(name, field) }
        for (name, field) in named(fields["schedules"]) { readSchedule(name, field, zoneIsGiven: fields["time_zone"] != nil) }
        for (name, field) in named(fields["queues"]) { readQueue(name, field) }
        for (name, field) in named(fields["menus"]) { readMenu(name, field) }
        for (name, field) in named(fields["voicemail"]) { readVoicemail(name, field) }
        for (name, field) in named(fields["routes"]) { plan.routes[name] = steps(field, within: .route(name)) }
        readIncoming(fields["incoming"])
        for (name, field) in entries(fields["trunks"]) { readTrunk(name, field) }
        readOutgoing(fields["outgoing"])
        readEmergency(fields["emergency"])
        readFeatures(fields["features"])
        if let field = fields["fail_over"] { readFailOver(field) }
        readDestinationLimits(fields["limits"])
        if let percent = integer(fields["alarm_at"], 10...100, unit: "%") { plan.alarmPercent = percent }
        settle()
    }

    /// What can be judged only when all is read.
    private mutating func settle() {
        expandCallers()
        checkReferences(knownTrunks: knownTrunks, hasPrompt: hasPrompt)
        checkNumbers()
        checkLines()
        checkMoney()
        for problem in ways.circles() { note(problem.problem, hint: problem.hint, at: problem.place) }
    }

    package mutating func note(_ problem: String, hint: String, at place: SettingTree.Place) {
        guard problems.count < Self.problemLimit else { return }
        problems.append(.init(at: place, problem, hint: hint))
    }

    private mutating func readCurrency(_ field: SettingTree.Field?) {
        guard let field, let text = text(field) else { return }
        guard text.utf8.count == 3, text.utf8.allSatisfy({ (0x41...0x5A).contains($0) }) else {
            return note(
                "`\(text)` is no currency", hint: "write three capital letters of ISO 4217, as in RUB", at: field.value.place)
        }
        plan.currency = text
    }

    private mutating func readRecordingFormat(_ field: SettingTree.Field?) {
        guard let field, let text = text(field) else { return }
        guard let format = RecordingFormat(rawValue: text) else {
            return note("`\(text)` is no format of recordings", hint: "write wav, opus or mp3", at: field.value.place)
        }
        plan.recordingFormat = format
    }

    /// The folder alone, or `{folder, texts}`.
    private mutating func readPrompts(_ field: SettingTree.Field?) {
        guard let field else { return }
        if field.value.text != nil { return readPromptFolder(field) }
        guard let fields = section(field.value, called: field.name, known: ["folder", "texts"]) else { return }
        if let folder = fields["folder"] { readPromptFolder(folder) }
        for (name, text) in named(fields["texts"]) { plan.prompts.texts[name] = self.text(text) }
    }

    private mutating func readPromptFolder(_ field: SettingTree.Field) {
        guard let path = text(field) else { return }
        guard !path.isEmpty, !path.split(separator: "/").contains("..") else {
            return note("`\(field.name)` is no folder", hint: "write a path without `..`, as in prompts", at: field.value.place)
        }
        plan.prompts.path = path
    }
}
