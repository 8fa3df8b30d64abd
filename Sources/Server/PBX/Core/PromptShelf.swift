import Glibc
import Media
import NetworkTypes
import PBXPlan

/// Which prompts can be played. A look at the folder is remembered for a while; a file that could not be read counts as missing so long.
///
/// Confined to the signalling loop.
final class PromptShelf {
    private let folder: String
    private var known: [String: (isThere: Bool, until: MonotonicInstant)] = [:]
    private static let memory = Duration.seconds(30)
    private static let limit = 4096
    /// Hears of a prompt that cannot be played, and why; of one that can again with nothing.
    var onChange: (_ prompt: String, _ problem: String?) -> Void = { _, _ in }

    init(folder: String) { self.folder = folder }

    func path(_ name: String) -> String { folder + "/" + name + ".wav" }

    /// Whether there is such a file.
    func has(_ name: String, at now: MonotonicInstant) -> Bool {
        if let one = known[name], one.until > now { return one.isThere }
        let isThere = access(path(name), R_OK) == 0
        remember(name, isThere, at: now)
        return isThere
    }

    /// Looks for every prompt that the plan names, and tells of those that are not there.
    func check(_ names: Set<String>, at now: MonotonicInstant) {
        for name in names.sorted() { onChange(name, has(name, at: now) ? nil : "there is no such file") }
    }

    /// A file could not be played.
    func failed(_ error: MediaError, at now: MonotonicInstant) {
        guard let name = name(in: error.context) else { return }
        remember(name, false, at: now)
        var problem = error
        problem.context = error.code == .file ? "its file" : "its format"
        onChange(name, problem.description)
    }

    /// The prompt of a path that an error tells; nil for files elsewhere.
    private func name(in context: String) -> String? {
        guard let start = context.firstRange(of: folder + "/")?.upperBound else { return nil }
        let rest = context[start...]
        return rest.firstRange(of: ".wav").map { String(rest[..<$0.lowerBound]) }
    }

    private func remember(_ name: String, _ isThere: Bool, at now: MonotonicInstant) {
        if known.count >= Self.limit { known.removeAll() }
        known[name] = (isThere, now.advanced(by: Self.memory))
    }
}

extension DialPlan {
    /// The prompts that its stations and steps play.
    var promptNames: Set<String> {
        var names: Set<String> = []
        var steps = Array(routes.values) + Array(incoming.lines.values) + Array(incoming.trunks.values) + [incoming.other ?? []]
        for menu in menus.values {
            names.formUnion([menu.prompt, menu.invalid].compactMap(\.self))
            steps += Array(menu.keys.values) + [menu.otherwise]
        }
        for queue in queues.values {
            if let music = queue.music { names.insert(music) }
            if queue.positionEvery != nil { names.formUnion(CallQueue.positionPrompts) }
            steps.append(queue.otherwise)
        }
        for box in voicemail.values { if let greeting = box.greeting { names.insert(greeting) } }
        steps += extensions.values.map(\.otherwise)
        for step in steps.joined() { names.formUnion(step.promptNames) }
        return names
    }
}

extension PlanStep {
    fileprivate var promptNames: [String] {
        switch self {
        case .announce(let name): [name]
        case .schedule(_, let otherwise): otherwise.flatMap(\.promptNames)
        default: []
        }
    }
}
