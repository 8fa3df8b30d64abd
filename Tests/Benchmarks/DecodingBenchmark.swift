import AdapterCatalog
import AdapterConformance
import Connector
import TestSupport

/// All requests of an adapter's fixtures, verified and decoded again and again.
struct DecodingBenchmark {
    private struct Request {
        let authenticator: any WebhookAuthenticator
        let decoder: any EventDecoder
        let record: RawRecord

        var isAccepted: Bool {
            guard case .accept = record.withRequest(authenticator.authenticate) else { return false }
            return true
        }
    }

    private let name: String
    private let requests: [Request]
    private static let rounds = 200

    /// - Parameter adapter: its name in the catalogue.
    /// - Throws: `CaseFolderError`, `SettingsError`.
    init(adapter name: String) throws {
        self.name = name
        let kind = AdapterCatalog.adapters.first { $0.descriptor.name == name }
        let cases = try CaseFolder.loadAll(below: FixtureFolders.cases(of: name)).filter { $0.refusals == nil }
        requests = try cases.flatMap { one -> [Request] in
            guard let kind else { return [] }
            let adapter = try kind.init(settings: AdapterSettings(connection: ConnectionID(name), values: one.settings))
            let (authenticator, decoder) = (adapter.makeAuthenticator(), adapter.makeDecoder())
            return one.requests.enumerated().map { number, request in
                Request(
                    authenticator: authenticator, decoder: decoder,
                    record: request.raw(ConnectionID(name), number: number, headers: kind.descriptor.headers))
            }
        }
    }

    func run() {
        let count = requests.count * Self.rounds
        var accepted = 0
        let verifying = CPUTime.microseconds {
            for _ in 0..<Self.rounds {
                for request in requests where request.isAccepted { accepted += 1 }
            }
        }
        var decoded = 0
        let decoding = CPUTime.microseconds {
            for _ in 0..<Self.rounds {
                for request in requests { decoded += request.decoder.decode(request.record).count }
            }
        }
        print("\(name), verify: \(CPUTime.rounded(verifying, over: count)) µs a request, \(accepted) of \(count) accepted")
        print("\(name), decode: \(CPUTime.rounded(decoding, over: count)) µs a request, \(decoded) results")
    }
}
