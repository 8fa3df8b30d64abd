/// An adapter that works, as files: what `kommutator adapter new` writes.
protocol Skeleton {
    /// Paths below the new folder, and what stands there.
    var files: [(path: String, text: String)] { get }

    /// A program that must be installed before the skeleton can be tried; nil where it needs none.
    var interpreter: String? { get }

    /// Whether this very program can try it, without being built anew.
    var canBeTried: Bool { get }

    /// What is left to do, a line each.
    var advice: [String] { get }
}

extension Skeleton {
    var interpreter: String? { nil }
    var canBeTried: Bool { true }
    var advice: [String] { [] }
}
