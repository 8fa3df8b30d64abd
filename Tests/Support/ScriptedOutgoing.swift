import Connector
import Synchronization

/// An `Outgoing` that sends nothing: it gives prepared answers in their order, the last one again and again, and remembers what it
/// was asked.
package final class ScriptedOutgoing: Outgoing {
    private let answers: [Result<OutgoingResponse, OutgoingError>]
    private let asked = Mutex<[OutgoingRequest]>([])

    package init(_ answers: Result<OutgoingResponse, OutgoingError>...) { self.answers = answers }

    package convenience init(status: Int, headers: [HeaderField] = [], _ body: String) {
        self.init(.success(OutgoingResponse(status: status, headers: headers, body: Array(body.utf8))))
    }

    package var requests: [OutgoingRequest] { asked.withLock { $0 } }

    package func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        let number = asked.withLock { asked in
            asked.append(request)
            return asked.count - 1
        }
        guard let answer = answers.isEmpty ? nil : answers[min(number, answers.count - 1)] else {
            throw OutgoingError(.other, place: "nowhere", reason: "no answer is prepared", isTransient: false)
        }
        return try answer.get()
    }
}
