import AdapterKit
import Connector

/// Mango's own log of calls: basic statistics, ordered first and fetched when they are made.
///
/// Basic ones rather than extended: they are asked for in Unix time, and name legs and recordings all the same.
extension MangoClient {
    /// A day to a page: a page is one CSV, however much happened in it.
    func history(_ window: HistoryWindow, page: Int) async throws(ProviderFailure) -> HistoryPage {
        guard let slice = Self.slice(page, of: window) else { return HistoryPage(bodies: [], path: Self.statisticsPath) }
        let key = try await orderStatistics(slice)
        let body = try await fetchStatistics(key)
        return HistoryPage(bodies: body.isEmpty ? [] : [body], path: Self.statisticsPath, hasMore: slice.to < window.to)
    }

    private static let statisticsPath = "/stats/result"

    /// The day `page` of a window, in whole seconds; nil behind its end.
    static func slice(_ page: Int, of window: HistoryWindow) -> HistoryWindow? {
        guard (0..<366).contains(page) else { return nil }
        let begin = window.from.advanced(by: .seconds(86_400) * page)
        guard begin < window.to else { return nil }
        return HistoryWindow(from: begin, to: min(begin.advanced(by: .seconds(86_400)), window.to))
    }

    private func orderStatistics(_ slice: HistoryWindow) async throws(ProviderFailure) -> String {
        let reply = MangoReply(
            try await ask(
                "/vpbx/stats/request",
                [
                    "date_from": .string(String(slice.from.milliseconds / 1000)),
                    "date_to": .string(String((slice.to.milliseconds + 999) / 1000)),
                    "fields": .string(MangoStatistics.fields.map(\.rawValue).joined(separator: ",")),
                ]))
        guard let key = reply["key"] else { throw reply.failure.ofQuestion }
        return key
    }

    /// Looks every five seconds, as often as is allowed, for two minutes.
    private func fetchStatistics(_ key: String) async throws(ProviderFailure) -> [UInt8] {
        for _ in 0..<24 {
            try await wait(.seconds(5))
            let response = try await ask("/vpbx/stats/result", ["key": .string(key)], maximumBody: 32 << 20)
            switch response.status {
            case 204: continue
            case 200 where response.body.first != UInt8(ascii: "{"): return response.body
            case 404:
                throw ProviderFailure(.unavailable, code: "404", text: "the statistics are gone; they are kept for a minute")
            default: throw MangoReply(response).failure.ofQuestion
            }
        }
        throw ProviderFailure(.unavailable, code: "statistics", text: "the statistics were not ready in two minutes")
    }

    private func wait(_ duration: Duration) async throws(ProviderFailure) {
        do {
            try await pause(duration)
        } catch {
            throw ProviderFailure(.unavailable, code: "cancelled", text: "cancelled while the statistics were made")
        }
    }
}
