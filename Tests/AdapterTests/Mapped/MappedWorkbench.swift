import AdapterCatalog
import Connector
import Digests
import Gateway
import MappedAdapter
import TestSupport
import Testing

/// A described vendor to try requests on: its mapping is given as YAML, and read as the gateway reads it.
struct MappedWorkbench {
    static let now = Instant(unixSeconds: 1_793_603_721)

    /// A mapping with the least that there must be.
    static let least = """
        vendor: shop-pbx
        format: json
        authentication: {type: token, header: X-Token}
        event: event
        call: {key: id}
        events:
          rang: {type: call.ringing}
        """

    let adapter: any TelephonyAdapter

    /// - Throws: `Refusal` with all problems.
    init(_ mapping: String = least, settings: String = "webhook_secret: env:SECRET") throws {
        let entry = Self.read(mapping, settings: settings)
        guard let adapter = entry.adapter, entry.problems.isEmpty else { throw Refusal(problems: entry.problems) }
        self.adapter = adapter
    }

    struct Refusal: Error, CustomStringConvertible {
        var problems: [ConfigurationProblem]
        var description: String { problems.map(\.description).joined(separator: "\n") }
    }

    /// The file begins with the mapping, so that lines count from 2.
    static func read(_ mapping: String, settings: String = "webhook_secret: env:SECRET") -> ConnectionDirectory.Entry {
        let directory = ConnectionDirectory(
            path: "adapters.d", adapters: AdapterCatalog.adapters,
            environment: ["SECRET": "s3cr3t-0001", "KEY": "k3y-0001", "TOKEN": "0123456789abcdef"])
        let lines = mapping.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)" }
        let text = "mapping:\n" + lines.joined(separator: "\n") + "\nadapter: mapped\nsettings: {\(settings)}\n"
        return directory.read(text, file: "f.yaml", as: ConnectionID("shop"))
    }

    // MARK: Requests

    func raw(_ body: String, query: String = "", headers: [(String, String)] = [], source: CallSource = .webhook) -> RawRecord {
        RawRecord(
            id: RawID(bits: 1), connection: ConnectionID("shop"), receivedAt: Self.now, source: source, query: query,
            headers: headers.map { HeaderField(name: $0.0, value: $0.1) }, body: Array(body.utf8))
    }

    func decode(_ body: String, query: String = "", headers: [(String, String)] = []) -> [Decoded] {
        adapter.makeDecoder().decode(raw(body, query: query, headers: headers))
    }

    /// The one event that the request makes.
    func event(_ body: String, query: String = "", headers: [(String, String)] = []) throws -> CallEvent {
        let decoded = decode(body, query: query, headers: headers)
        guard case .call(let event)? = decoded.first, decoded.count == 1 else { throw Nothing(decoded: decoded) }
        return event
    }

    struct Nothing: Error { var decoded: [Decoded] }

    func authenticate(_ body: String, query: String = "", headers: [(String, String)] = []) -> Authentication {
        raw(body, query: query, headers: headers).withRequest { adapter.makeAuthenticator().authenticate($0) }
    }

    /// Nil where it is let in.
    func refusal(_ body: String, query: String = "", headers: [(String, String)] = []) -> Int? {
        if case .refuse(let status, _) = authenticate(body, query: query, headers: headers) { status } else { nil }
    }
}
