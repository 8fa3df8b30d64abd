import Connector
import TestSupport

/// Answers requests without a socket, and remembers them.
final class CannedOutgoing: Outgoing {
    private let state: Guarded<(requests: [OutgoingRequest], answers: [Result<OutgoingResponse, OutgoingError>])>

    /// - Parameter answers: one a request, in their order; a request too many gets 404.
    init(_ answers: [Result<OutgoingResponse, OutgoingError>]) { state = Guarded(([], answers)) }

    convenience init(_ status: Int, _ body: String = "", headers: [HeaderField] = []) {
        self.init([.success(OutgoingResponse(status: status, headers: headers, body: Array(body.utf8)))])
    }

    convenience init(_ bodies: String...) {
        self.init(bodies.map { .success(OutgoingResponse(status: 200, body: Array($0.utf8))) })
    }

    var requests: [OutgoingRequest] { state.withLock { $0.requests } }

    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        let answer = state.withLock { state in
            state.requests.append(request)
            return state.answers.isEmpty ? .success(OutgoingResponse(status: 404)) : state.answers.removeFirst()
        }
        return try answer.get()
    }
}

extension OutgoingRequest {
    var text: String { String(decoding: body, as: UTF8.self) }

    func header(_ name: String) -> String? { headers.first { $0.name.lowercased() == name }?.value }
}

extension OutgoingError {
    static func made(_ code: Code) -> OutgoingError {
        OutgoingError(code, place: "https://pbx.example", reason: "made up", isTransient: true)
    }
}

extension ProviderOrder {
    static func make(
        _ action: Command.Action, on target: CommandTarget? = nil, deadline: Duration = .seconds(20)
    ) -> ProviderOrder {
        ProviderOrder(id: CommandID(bits: 7), action: action, target: target, deadline: deadline)
    }

    static func originate(
        from: String = "101", to: String = "+79000005678", line: String? = nil, callerName: String? = nil, record: Bool = false
    ) -> ProviderOrder {
        .make(.originate(.init(from: from, to: to, line: line, callerName: callerName, record: record)))
    }
}
