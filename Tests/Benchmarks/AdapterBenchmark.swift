import AdapterCatalog
import AdapterConformance
import AdapterKit
import Connector
import FoundationEssentials
import Gateway
import TestSupport

/// What one event costs from its journalled request to the record, for each adapter: all its fixtures, decoded and folded again and
/// again, the record of each revision encoded as the ledger does it.
///
/// A program's own time is its own: what is measured is the gateway asking it. Numbers are read plainly (`PlainNumbering`), so that the
/// library for numbers, which is the same for all, does not hide the differences.
struct AdapterBenchmark {
    /// One case, as it lies in the journal.
    private struct Story {
        let decoder: any EventDecoder
        let profile: ConnectionProfile
        let records: [RawRecord]
    }

    let name: String
    private let stories: [Story]

    /// - Throws: what reading the fixtures or making the adapter throws.
    init(_ kind: any TelephonyAdapter.Type) throws {
        name = kind.descriptor.name
        let section = kind.descriptor.section == nil ? nil : try Self.sampleSection(of: name)
        let cases = try CaseFolder.loadAll(below: FixtureFolders.cases(of: name)).filter { $0.refusals == nil }
        stories = try cases.map { try Self.story($0, kind, section) }
    }

    /// Microseconds of CPU for each event.
    func run() throws -> Double {
        try play(rounds: 3)
        var count = 0
        let rounds = 60
        let start = CPUTime.ofProcess
        count = try play(rounds: rounds)
        return (CPUTime.ofProcess - start) / Double(max(1, count))
    }

    /// - Returns: how many events there were.
    @discardableResult
    private func play(rounds: Int) throws -> Int {
        var count = 0
        for _ in 0..<rounds {
            for story in stories {
                var play = RecordPlay(profile: story.profile, numbering: PlainNumbering())
                for raw in story.records {
                    let decoded = story.decoder.decode(raw)
                    try play.take(decoded, of: raw)
                    for case .call in decoded { count += 1 }
                }
            }
        }
        return count
    }

    private static func story(
        _ one: ConformanceCase, _ kind: any TelephonyAdapter.Type, _ section: SettingTree?
    ) throws -> Story {
        let connection = ConnectionID("bench")
        let settings = AdapterSettings(
            connection: connection, values: one.settings, section: section, hasURLToken: one.settings["url_token"] != nil)
        let adapter = try kind.init(settings: settings, context: Programs.context())
        let records = one.requests.enumerated().map { number, request in
            request.raw(
                connection, number: number, headers: adapter.descriptor.headers, source: adapter.descriptor.hearing.source)
        }
        return Story(
            decoder: adapter.makeDecoder(),
            profile: ConnectionProfile(id: connection, provider: adapter.descriptor.provider), records: records)
    }

    /// The section of the shipped sample that only the adapter understands.
    private static func sampleSection(of name: String) throws -> SettingTree? {
        let directory = ConnectionDirectory(path: FixtureFolders.samples, adapters: AdapterCatalog.adapters, environment: [:])
        return directory.read("\(FixtureFolders.samples)/sample-\(name).yaml", as: ConnectionID("sample")).settings.section
    }
}

extension AdapterBenchmark {
    /// Measures adapters three times, all where none are named, and says how far the slowest is from the fastest.
    static func run(_ names: [String] = []) throws {
        let kinds = AdapterCatalog.adapters.filter { kind in
            kind.descriptor.hearing != .nothing && (names.isEmpty || names.contains(kind.descriptor.name))
        }
        let benchmarks = try kinds.map { try AdapterBenchmark($0) }
        var figures: [(name: String, microseconds: Double)] = []
        for benchmark in benchmarks {
            let runs = try (0..<3).map { _ in try benchmark.run() }.sorted()
            figures.append((benchmark.name, runs[1]))
            print("\(benchmark.name), decode + fold: \(CPUTime.rounded(runs[1], over: 1)) µs an event")
        }
        guard let slowest = figures.max(by: { $0.microseconds < $1.microseconds }),
            let fastest = figures.min(by: { $0.microseconds < $1.microseconds })
        else { return }
        let ratio = CPUTime.rounded(slowest.microseconds / fastest.microseconds, over: 1)
        print("adapters, decode + fold: \(ratio)x between \(slowest.name), the slowest, and \(fastest.name), the fastest")
    }
}
