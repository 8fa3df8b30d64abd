import TestSupport

/// What the providers sent, in their own books: every request by its mark, and whether it was acknowledged.
final class AcknowledgedRequests: Sendable {
    private struct Book {
        var sent: [String: WireRequest] = [:]
        var acknowledged: Set<String> = []
        var calls: Set<String> = []
    }

    private let book = Guarded(Book())

    var sent: [String: WireRequest] { book.withLock { $0.sent } }
    var acknowledged: Set<String> { book.withLock { $0.acknowledged } }
    /// The vendors' names of calls of which a request was acknowledged.
    var calls: Set<String> { book.withLock { $0.calls } }

    /// Sends a call's requests in order, up to the first that is not acknowledged.
    /// - Returns: how many were.
    func play(_ call: VendorCall, through provider: Provider) -> Int {
        for (index, request) in call.requests.enumerated() {
            guard send(request, of: call.name, through: provider) == 200 else { return index }
        }
        return call.requests.count
    }

    /// Sends one request of a call.
    func send(_ request: WireRequest, of call: String, through provider: Provider) -> Int? {
        let mark = Self.mark(in: request.target)
        book.withLock { $0.sent[mark] = request }
        let status = provider.send(request)
        if status == 200 {
            book.withLock { book in
                book.acknowledged.insert(mark)
                book.calls.insert(call)
            }
        }
        return status
    }

    /// `mark=…` in a query.
    static func mark(in text: String) -> String {
        guard let start = text.firstRange(of: "mark=")?.upperBound else { return "" }
        return String(text[start...].prefix { $0 != "&" })
    }
}
