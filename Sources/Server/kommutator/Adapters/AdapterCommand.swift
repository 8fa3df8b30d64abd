import AdapterCatalog
import AdapterConformance
import ArgumentParser
import Connector
import Glibc
import Processes

/// `kommutator adapter`: a new provider, without a clone of the gateway.
struct AdapterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "Begin an adapter of your own, and try it.", subcommands: [New.self, Try.self])

    /// What can be begun here.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case program
    }

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write an adapter that works, into a folder of its own, and try it.",
            discussion: """
                Examples:
                  kommutator adapter new my-pbx
                  kommutator adapter new my-pbx --kind program --folder /srv/adapters/my-pbx
                """)

        @Argument(help: "Its name: the connection's, and the folder's.") var name: String
        @Option(help: "program: a program of your own, which the skeleton has in Python.") var kind = Kind.program
        @Option(help: "The folder to make; the name in the present one where absent.") var folder: String?

        func run() throws {
            guard ConnectionID.isSlug(name) else {
                Console.complain("kommutator: the name `\(name)` is no slug: take 1 to 64 of a-z, 0-9, - and _")
                throw SystemExit.usage
            }
            let folder = folder ?? name
            do {
                try SkeletonFolder(path: folder).write(ProgramSkeleton(name: name).files)
            } catch {
                Console.complain("kommutator: \(error)")
                throw SystemExit.unavailable
            }
            try AdapterTrial(folder: folder, adapter: Kind.program.rawValue).run()
            Console.complain("begin with \(folder)/README.md")
        }
    }

    struct Try: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Try an adapter on the cases in FOLDER/cases.",
            discussion: """
                Each case is a folder with requests.json and settings.yaml, and error.txt where the requests are to be refused. They
                are sent as they are, changed, repeated and ruined. Exit code 65 where something fails.

                Examples:
                  kommutator adapter test my-pbx
                """)

        @Argument(help: "The adapter's folder.") var folder: String
        @Option(help: "The adapter that the cases are for.") var adapter = Kind.program.rawValue

        func run() throws { try AdapterTrial(folder: folder, adapter: adapter).run() }
    }
}

/// Takes an adapter through the conformance suite, on the cases of one folder.
private struct AdapterTrial {
    let folder: String
    let adapter: String

    func run() throws {
        guard let kind = AdapterCatalog.adapter(named: adapter) else {
            Console.complain(
                "kommutator: there is no adapter `\(adapter)`; there are: \(AdapterCatalog.names.joined(separator: ", "))")
            throw SystemExit.usage
        }
        let cases: [ConformanceCase]
        do {
            cases = try CaseFolder.loadAll(below: folder + "/cases")
        } catch {
            Console.complain("kommutator: \(error)")
            throw SystemExit.data
        }
        let children = SystemChildren(environment: Environment.variables)
        let report = ConformanceSuite(kind, context: AdapterContext(children: children, folder: folder)).run(cases)
        children.shutdown()
        Console.say(report.summary)
        guard !cases.isEmpty else {
            Console.complain("kommutator: \(folder)/cases has no case")
            throw SystemExit.data
        }
        if !report.failures.isEmpty { throw SystemExit.data }
    }
}

/// A new folder of small files. Nothing that is there already is touched.
private struct SkeletonFolder {
    let path: String

    /// - Throws: `AdminError`.
    func write(_ files: [(path: String, text: String)]) throws {
        guard mkdir(path, 0o755) == 0 else { throw trouble(path) }
        var made: Set<String> = []
        for file in files {
            let folders = file.path.split(separator: "/").dropLast()
            for depth in folders.indices {
                let folder = path + "/" + folders[...depth].joined(separator: "/")
                if made.insert(folder).inserted, mkdir(folder, 0o755) != 0 { throw trouble(folder) }
            }
            try write(file.text, to: "\(path)/\(file.path)")
        }
    }

    private func write(_ text: String, to path: String) throws {
        guard let file = fopen(path, "wxe") else { throw trouble(path) }
        let isWritten = fputs(text, file) >= 0
        guard fclose(file) == 0, isWritten else { throw trouble(path) }
    }

    private func trouble(_ path: String) -> AdminError { AdminError("\(path): \(String(cString: strerror(errno)))") }
}
