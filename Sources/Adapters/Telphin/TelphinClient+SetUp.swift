import AdapterKit
import Connector

/// What setting up the events came to.
struct TelphinSetUp: Sendable, Equatable {
    /// Extensions that are to tell of their calls.
    var extensions = 0
    /// Kinds of events that were asked for now.
    var added = 0
    /// Kinds that were asked for already.
    var present = 0
    /// What did not succeed, by short number.
    var failures: [String: ProviderFailure] = [:]
}

extension TelphinClient {
    /// Tells every extension of the client to send its events to `address`. What is there already stays, whoever it is for; repeating
    /// it does no harm, and takes in extensions that are new.
    ///
    /// - Parameter address: the connection's entrance with its `url_token`: it is a secret and stands in no failure.
    /// - Throws: `ProviderFailure` where the extensions cannot be listed, the credentials do not do, or Telphin does not answer again and
    ///   again. One extension that fails does not hinder the others.
    func setUp(address: String) async throws(ProviderFailure) -> TelphinSetUp {
        var report = TelphinSetUp()
        var silences = 0
        for phone in try await extensions.all(within: TimeLeft(.seconds(60))) where !phone.events.isEmpty {
            report.extensions += 1
            do {
                try await setUp(phone, address: address, within: TimeLeft(.seconds(60)), &report)
                silences = 0
            } catch {
                guard error.kind != .unauthorized, error.kind != .limited else { throw error }
                silences = error.kind == .rejected ? 0 : silences + 1
                guard silences < Self.silenceLimit else { throw error }
                report.failures[phone.short] = error
            }
        }
        return report
    }

    private static let silenceLimit = 3

    private func setUp(
        _ phone: TelphinExtension, address: String, within time: TimeLeft, _ report: inout TelphinSetUp
    ) async throws(ProviderFailure) {
        let target = "extension/\(phone.id)/event/"
        let rows = try await line.list(target, within: time)
        let present = Set(rows.filter { $0["url"].string == address }.compactMap { $0["event_type"].string })
        for event in phone.events {
            guard !present.contains(event) else {
                report.present += 1
                continue
            }
            let request = TelphinLine.Request(
                method: "POST", target: target, body: Self.subscription(to: event, address: address), acts: true,
                secrets: [address, address.split(separator: "/").last.map(String.init) ?? ""])
            _ = try await line.send(request, within: time)
            report.added += 1
        }
    }

    private static func subscription(to event: String, address: String) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("url", address)
        json.field("method", "POST")
        json.field("event_type", event)
        json.endObject()
        return json.finish()
    }
}
