import Glibc
import Media
import NetworkTypes
import PBXPlan

/// Which prompts can be played: one that could not be counts as missing for a while.
///
/// Confined to the signalling loop.
final class PromptShelf {
    private let folder: String
    private var missing: [String: MonotonicInstant] = [:]
    private static let memory = Duration.seconds(30)
    private static let limit = 4096
    /// Hears of a prompt that cannot be played, and why; of one that is there with nothing.
    var onChange: (_ prompt: String, _ problem: String?) -> Void = { _, _ in }

    init(folder: String) { self.folder = folder }

    func path(_ name: String) -> String { folder + "/" + name + ".wav" }

    /// Whether nothing lately says that it cannot be played.
    func has(_ name: String, at now: MonotonicInstant) -> Bool { missing[name].map { $0 <= now } ?? true }

    /// Looks for every prompt that a plan names, and tells of each. Blocks for as long as the folder's disk does: when a plan is read.
    func check(_ names: Set<String>) {
        for name in names.sorted() { onChange(name, access(path(name), R_OK) == 0 ? nil : "there is no such file") }
    }

    /// A file could not be played.
    func failed(_ error: MediaError, at now: MonotonicInstant) {
        guard let name = name(in: error.context) else { return }
        if missing.count >= Self.limit { missing.removeAll() }
        missing[name] = now.advanced(by: Self.memory)
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
