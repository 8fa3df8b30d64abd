import AdapterCatalog
import AdapterConformance
import ArgumentParser
import Connector
import Glibc

/// `kommutator adapter`: a new provider, without a clone of the gateway.
struct AdapterCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "adapter", abstract: "Begin an adapter of your own, and try it.", subcommands: [New.self, Try.self])

    /// What can be begun here.
    enum Kind: String, ExpressibleByArgument, CaseIterable {
        case program, mapped, swift
    }

    struct New: ParsableCommand {
        static let configuration = CommandConfiguration(
            abstract: "Write an adapter that works, into a folder of its own, and try it.",
            discussion: """
                program is a program of your own; mapped is a connection's file that describes the vendor, without code; swift is a room for
                the gateway's source tree, to be copied into it.

                Examples:
                  kommutator adapter new my-pbx
                  kommutator adapter new my-pbx --language php --folder /srv/adapters/my-pbx
                  kommutator adapter new my-vendor --kind mapped
                  kommutator adapter new my-vendor --kind swift --folder /tmp/room && cp -r /tmp/room/. .
                """)

        @Argument(help: "Its name: the connection's or the vendor's, and the folder's.") var name: String
        @Option(help: "program, mapped or swift.") var kind = Kind.program
        @Option(help: "Of a program: python or php.") var language: ProgramSkeleton.Language?
        @Option(help: "The folder to make; the name in the present one where absent.") var folder: String?

        func validate() throws {
            guard ConnectionID.isSlug(name) else {
                throw ValidationError("the name `\(name)` is no slug: take 1 to 64 of a-z, 0-9, - and _")
            }
            guard language == nil || kind == .program else { throw ValidationError("--language is for --kind program") }
        }

        func run() throws {
            let folder = folder ?? name
            let skeleton = skeleton
            do {
                try SkeletonFolder(path: folder).write(skeleton.files)
            } catch {
                Console.complain("kommutator: \(error)")
                throw SystemExit.unavailable
            }
            if skeleton.canBeTried { try attempt(skeleton, in: folder) }
            for line in skeleton.advice { Console.say(line) }
            Console.complain("begin with \(folder)/\(skeleton.files.first { $0.path.hasSuffix("README.md") }?.path ?? "")")
        }

        private var skeleton: any Skeleton {
            switch kind {
            case .program: ProgramSkeleton(name: name, language: language ?? .python)
            case .mapped: MappedSkeleton(name: name)
            case .swift: SwiftSkeleton(name: name)
            }
        }

        private func attempt(_ skeleton: any Skeleton, in folder: String) throws {
            if let interpreter = skeleton.interpreter, !Self.isInstalled(interpreter) {
                Console.complain("kommutator: `\(interpreter)` is not installed; then: kommutator adapter test \(folder)")
                throw SystemExit.unavailable
            }
            try AdapterCommand.attempt(folder, faults: FaultPlan())
        }

        private static func isInstalled(_ program: String) -> Bool {
            (Environment.variables["PATH"] ?? "").split(separator: ":").contains { access("\($0)/\(program)", X_OK) == 0 }
        }
    }

    /// Tries what `subject` names.
    fileprivate static func attempt(
        _ subject: String, adapter: String? = nil, connection: String? = nil, cases: String? = nil, folder: String? = nil,
        faults: FaultPlan,
        output: OutputStyle = .text
    ) throws {
        do {
            let found = try TrialSubject(subject, adapter: adapter, connection: connection, casesFolder: cases, home: folder)
            let trial = AdapterTrial(
                adapter: found.adapter, cases: found.cases, folder: found.folder, faults: faults, output: output)
            let code = trial.run()
            if code != 0 { throw ExitCode(code) }
        } catch let refusal as TrialSubject.Refusal {
            Console.complain("kommutator: \(refusal.reason)")
            throw ExitCode(refusal.code)
        }
    }

    struct Try: ParsableCommand {
        static let configuration = CommandConfiguration(
            commandName: "test", abstract: "Try an adapter on recorded cases, as they are and with faults in them.",
            discussion: """
                SUBJECT is a folder with an adapter of your own (its connection's file, and cases below `cases`), a folder of cases that is
                called like the adapter, a connection's file, or an adapter's name. Each case is a folder with requests.json and
                settings.yaml, and error.txt where the requests are to be refused.

                The requests are sent as they are, changed, repeated and ruined; then again reordered, doubled, lost, late, cut short, with
                clocks that disagree and in other characters, and every record that comes of it must keep the rules of the call record. A
                case that fails is shown with the shortest run that does. Exit code 65 where something fails, 75 where the time was over.

                Examples:
                  kommutator adapter test my-pbx
                  kommutator adapter test mango --cases fixtures/mango
                  kommutator adapter test my-vendor.yaml --cases cases --fault loss --seed 7
                  kommutator adapter test my-pbx --output json | jq '.faults[].failures'
                """)

        @Argument(help: "A folder, a connection's file, or an adapter's name; the present folder where absent.")
        var subject = "."
        @Option(help: "The adapter that the cases are for, where neither file nor folder tells.") var adapter: String?
        @Option(help: "The connection's file.") var connection: String?
        @Option(help: "The folder of cases.") var cases: String?
        @Option(help: "Where a program is started; the folder of the connection's file, or SUBJECT.") var folder: String?
        @Option(help: "Only this fault: \(Fault.allCases.map(\.rawValue).joined(separator: ", ")).") var fault: [Fault] = []
        @Option(help: "What chance begins with: the same seed tries the same.") var seed: UInt64 = 1
        @Option(help: "How often a case is played with each fault: 1 to 1000.") var runs = 4
        @Option(help: "Seconds after which nothing more is begun: 1 to 86400.") var seconds = 300
        @Option(help: "text, or json: one object with `passed`, `checks` and `faults`.") var output = OutputStyle.text

        func validate() throws {
            guard (1...1000).contains(runs) else { throw ValidationError("--runs is 1 to 1000") }
            guard (1...86_400).contains(seconds) else { throw ValidationError("--seconds is 1 to 86400") }
        }

        func run() throws {
            try AdapterCommand.attempt(
                subject, adapter: adapter, connection: connection, cases: cases, folder: folder, faults: plan, output: output)
        }

        private var plan: FaultPlan {
            let clock = TrialClock(within: .seconds(seconds))
            return FaultPlan(
                faults: fault.isEmpty ? Fault.allCases : fault, seed: seed, runsPerCase: runs, mayGoOn: { clock.mayGoOn },
                progress: TrialClock.show)
        }
    }
}

extension Fault: ExpressibleByArgument {}

extension ProgramSkeleton.Language: ExpressibleByArgument {}

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
