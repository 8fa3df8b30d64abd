import Connector
import Network

/// The port `Outgoing` on libcurl.
///
/// The translation stands here because this room may see both sides: the machinery of Network knows nothing of the Connector,
/// and the port must not know the machinery.
extension OutgoingHTTP: Outgoing {
    package func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        do {
            let response = try await send(OutgoingHTTPRequest(request))
            return OutgoingResponse(
                status: response.status, headers: response.headers.map { HeaderField(name: $0.name, value: $0.value) },
                body: response.body)
        } catch let error as OutgoingHTTPError {
            throw OutgoingError(error)
        }
    }
}

extension OutgoingHTTPRequest {
    fileprivate init(_ request: OutgoingRequest) {
        self.init(
            request.method, request.url, headers: request.headers.map { ($0.name, $0.value) }, body: request.body,
            deadline: request.deadline, maximumBody: request.maximumBody, redirects: request.redirects,
            tlsMaximum: request.tlsMaximum == .tls12 ? .tls12 : .tls13)
    }
}

extension OutgoingError {
    fileprivate init(_ error: OutgoingHTTPError) {
        self.init(
            Code(rawValue: error.code.rawValue) ?? .other, place: error.place, reason: error.reason,
            isTransient: error.isTransient)
    }
}
