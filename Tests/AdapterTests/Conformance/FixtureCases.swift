import AdapterCatalog
import AdapterConformance
import Connector
import FoundationEssentials
import Gateway
import TestSupport

/// The fixtures of an adapter. Those of a described vendor are read by the mapping of the shipped sample.
enum FixtureCases {
    /// None of a trunk, which tells of no calls.
    static func loadAll(of adapter: String) throws -> [ConformanceCase] {
        if AdapterCatalog.adapter(named: adapter)?.descriptor.hearing == .nothing { return [] }
        return try CaseFolder.loadAll(below: FixtureFolders.cases(of: adapter)).map { try whole($0, of: adapter) }
    }

    static func load(_ folder: String, of adapter: String) throws -> ConformanceCase {
        try whole(try CaseFolder.load(folder), of: adapter)
    }

    private static func whole(_ bare: ConformanceCase, of adapter: String) throws -> ConformanceCase {
        guard ["mapped", "pbx"].contains(adapter) else { return bare }
        var whole = bare
        whole.section = try sampleEntry(of: adapter).settings.section
        return whole
    }

    /// The shipped sample of an adapter, switched on, with made-up secrets.
    static func sampleEntry(of adapter: String = "mapped") throws -> ConnectionDirectory.Entry {
        let text = try String(contentsOfFile: FixtureFolders.samples + "/sample-\(adapter).yaml", encoding: .utf8)
        let directory = ConnectionDirectory(
            path: FixtureFolders.samples, adapters: AdapterCatalog.adapters,
            environment: ["SIMPLE_PBX_SECRET": "sec-0001", "SIMPLE_PBX_KEY": "key-0001"])
        return directory.read(
            text.replacing("\nenabled: false\n", with: "\nenabled: true\n"), file: "sample-mapped.yaml",
            as: ConnectionID("sample"))
    }
}
