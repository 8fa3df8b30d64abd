import AdapterCatalog
import AdapterConformance
import Connector
import Gateway
import Glibc
import Numbering
import Processes

/// What `kommutator adapter test` tries: an adapter, its cases, and how.
struct AdapterTrial {
    var adapter: any TelephonyAdapter.Type
    var cases: [ConformanceCase]
    /// Where a program of the connection works.
    var folder: String
    var faults: FaultPlan
    var output: OutputStyle

    /// Takes the adapter through the suite and says what came out.
    /// - Returns: the exit code; 0 where everything passed and was tried.
    func run() -> Int32 {
        let children = SystemChildren(environment: Environment.variables)
        defer { children.shutdown() }
        let report = ConformanceSuite(
            adapter, context: AdapterContext(children: children, folder: folder), numbering: WorldNumberingPlan(), faults: faults
        ).run(cases)
        TrialClock.clear()
        switch output {
        case .text: Console.say(report.summary)
        case .json: Console.say(String(decoding: report.json.encoded, as: UTF8.self))
        }
        guard report.passed else { return SystemExit.data.rawValue }
        return report.untried == 0 ? 0 : SystemExit.temporary.rawValue
    }
}

/// What a person named on the command line, found: a folder, a connection's file, or an adapter by its name.
struct TrialSubject {
    let adapter: any TelephonyAdapter.Type
    let cases: [ConformanceCase]
    let folder: String

    /// Why there is nothing to try, and the exit code for it.
    struct Refusal: Error {
        var reason: String
        var code: Int32

        init(_ reason: String, _ code: Int32) {
            self.reason = reason
            self.code = code
        }
    }

    /// - Parameters:
    ///   - name: an existing folder or file, else an adapter's name.
    ///   - adapter: overrides what folder or file say.
    ///   - connection: the connection's file, where `name` is not one.
    ///   - casesFolder: where the cases are, where they are not in the subject's own folder.
    ///   - home: where programs are started, where that is not the folder of the connection's file or of the cases.
    init(
        _ name: String, adapter: String?, connection: String?, casesFolder: String?, home: String?
    ) throws(Refusal) {
        let place = Place(name)
        let file = if let connection { connection } else { try place.connectionFile() }
        let entry = if let file { try Self.read(file) } else { ConnectionDirectory.Entry?.none }
        folder = home ?? file.map(Self.folder(of:)) ?? place.folder ?? "."
        guard let kind = try Self.kind(adapter, entry, place) else {
            throw Refusal("`\(name)` is no folder, no file and no adapter; \(Self.adapters)", SystemExit.usage.rawValue)
        }
        self.adapter = kind
        guard let casesFolder = casesFolder ?? place.casesFolder else {
            throw Refusal("there is no folder of cases: name one with --cases", SystemExit.usage.rawValue)
        }
        cases = try Self.cases(casesFolder, of: entry)
    }

    // MARK: Finding

    private static func kind(
        _ name: String?, _ entry: ConnectionDirectory.Entry?, _ place: Place
    ) throws(Refusal) -> (any TelephonyAdapter.Type)? {
        guard let name else {
            if let kind = entry?.kind ?? AdapterCatalog.adapter(named: place.lastName) { return kind }
            // Of old a folder without more held a program.
            return place.folder.flatMap { _ in AdapterCatalog.adapter(named: "program") }
        }
        guard let kind = AdapterCatalog.adapter(named: name) else {
            throw Refusal("there is no adapter `\(name)`; \(adapters)", SystemExit.usage.rawValue)
        }
        return kind
    }

    private static var adapters: String { "adapters are \(AdapterCatalog.names.joined(separator: ", "))" }

    private static func read(_ file: String) throws(Refusal) -> ConnectionDirectory.Entry {
        let directory = ConnectionDirectory(
            path: folder(of: file), adapters: AdapterCatalog.adapters, environment: Environment.variables)
        let entry = directory.read(file, as: ConnectionID("conformance"))
        guard entry.problems.isEmpty else {
            throw Refusal(entry.problems.map(\.description).joined(separator: "\n"), SystemExit.configuration.rawValue)
        }
        return entry
    }

    /// The cases with what the connection's file says, where they do not say otherwise.
    private static func cases(_ folder: String, of entry: ConnectionDirectory.Entry?) throws(Refusal) -> [ConformanceCase] {
        let bare: [ConformanceCase]
        do {
            bare = try CaseFolder.loadAll(below: folder)
        } catch {
            throw Refusal("\(error)", SystemExit.data.rawValue)
        }
        guard !bare.isEmpty else { throw Refusal("\(folder) has no case", SystemExit.data.rawValue) }
        guard let settings = entry?.settings else { return bare }
        return bare.map { one in
            var one = one
            one.settings = settings.values.merging(one.settings) { _, ofCase in ofCase }
            one.section = settings.section
            return one
        }
    }

    private static func folder(of file: String) -> String {
        guard let slash = file.lastIndex(of: "/") else { return "." }
        return slash == file.startIndex ? "/" : String(file[..<slash])
    }
}

/// Where a name on the command line leads.
private struct Place {
    private let name: String
    private let isFolder: Bool
    private let isFile: Bool

    init(_ name: String) {
        self.name = name
        var status = stat()
        let isThere = stat(name, &status) == 0
        isFolder = isThere && status.st_mode & S_IFMT == S_IFDIR
        isFile = isThere && status.st_mode & S_IFMT == S_IFREG
    }

    /// `mango` of `Tests/Fixtures/mango/`.
    var lastName: String { name.split(separator: "/").last.map(String.init) ?? name }

    var folder: String? { isFolder ? name : nil }

    /// The folder's own cases, those below `cases`, or those of the source tree for an adapter's name.
    var casesFolder: String? {
        if isFolder { return Self.hasEntries("\(name)/cases") ? "\(name)/cases" : name }
        if isFile {
            let above = name.split(separator: "/", omittingEmptySubsequences: false).dropLast().joined(separator: "/")
            return above.isEmpty ? "cases" : "\(above)/cases"
        }
        let ofTree = "Tests/Fixtures/\(name)"
        return Self.hasEntries(ofTree) ? ofTree : nil
    }

    /// The file that was named, or the only `.yaml` of the folder.
    func connectionFile() throws(TrialSubject.Refusal) -> String? {
        if isFile { return name }
        guard isFolder else { return nil }
        let files = (CaseFolder.names(in: name) ?? []).filter { $0.hasSuffix(".yaml") }
        guard files.count < 2 else {
            throw .init("\(name) has several .yaml files: name one with --connection", SystemExit.usage.rawValue)
        }
        return files.first.map { "\(name)/\($0)" }
    }

    private static func hasEntries(_ folder: String) -> Bool { CaseFolder.names(in: folder)?.isEmpty == false }
}

/// How long a trial may go on, and the line on standard error that says how far it is.
final class TrialClock: Sendable {
    private let end: ContinuousClock.Instant

    init(within patience: Duration) { end = .now.advanced(by: patience) }

    var mayGoOn: Bool { .now < end }

    /// Where standard error is a terminal: one line that is written over.
    static func show(_ name: String, _ number: Int, _ count: Int) {
        guard isatty(STDERR_FILENO) == 1 else { return }
        Console.overwrite("\(number + 1) of \(count): \(name)")
    }

    static func clear() {
        if isatty(STDERR_FILENO) == 1 { Console.overwrite("") }
    }
}
