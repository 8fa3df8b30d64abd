import Connector
import Glibc
import Processes

/// Programs to try things on, and the means to start them.
package enum Programs {
    /// `examples/program`, where the shipped examples lie.
    package static var examples: String { "\(FixtureFolders.samples)/../examples/program" }

    /// What a program may see of the surroundings.
    package static let environment = Dictionary(
        uniqueKeysWithValues: ["PATH", "HOME"].compactMap { (name: String) in getenv(name).map { (name, String(cString: $0)) } })

    /// Starts programs in `folder`.
    package static func context(
        _ children: any ChildProcesses = SystemChildren(environment: environment), folder: String = examples,
        report: @escaping @Sendable (ConnectionID, AdapterNews) -> Void = { _, _ in }
    ) -> AdapterContext {
        AdapterContext(children: children, folder: folder, report: report)
    }

    /// Whether a program of that name is installed.
    package static func has(_ name: String) -> Bool {
        (environment["PATH"] ?? "").split(separator: ":").contains { access("\($0)/\(name)", X_OK) == 0 }
    }
}
