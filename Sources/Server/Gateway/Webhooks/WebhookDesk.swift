import Connector
import HTTPServer

/// One connection as one event loop serves it: with an authenticator of its own and answers made beforehand.
final class WebhookDesk {
    /// A header the adapter asked for.
    private struct Wanted {
        let name: String
        let bytes: [UInt8]
        var value = KeptText()
    }

    let connection: ProviderConnection
    /// The connection's name.
    let name: [UInt8]
    let authenticator: any WebhookAuthenticator
    /// How the provider is told whom to ring; `nil` where nobody is asked.
    let routing: RoutingAbility?
    private var wanted: [Wanted]
    private var lastAcknowledgement: WebhookResponse?
    private var lastPrepared: PreparedResponse?

    /// `nil` where the connection takes no webhooks.
    /// - Parameter asks: whether there is a CRM to ask.
    init?(_ connection: ProviderConnection, asks: Bool = false) {
        guard let adapter = connection.adapter else { return nil }
        routing = asks ? adapter.descriptor.routing : nil
        self.connection = connection
        authenticator = adapter.makeAuthenticator()
        name = Array(connection.id.name.utf8)
        wanted = adapter.descriptor.headers.map { Wanted(name: $0, bytes: Array($0.utf8)) }
    }

    /// The answer, serialised; an adapter mostly gives the same one again.
    func prepared(_ response: WebhookResponse) -> PreparedResponse {
        if let lastPrepared, response == lastAcknowledgement { return lastPrepared }
        let fresh = PreparedResponse(HTTPResponse(response))
        lastAcknowledgement = response
        lastPrepared = fresh
        return fresh
    }

    /// The headers that the adapter asked for, names in lower case.
    func headers(of head: borrowing RequestHead) -> [HeaderField] {
        var fields: [HeaderField] = []
        guard !wanted.isEmpty else { return fields }
        for index in 0..<head.headerCount {
            let (name, value) = head.header(at: index)
            for place in wanted.indices where Self.same(name, wanted[place].bytes) {
                fields.append(HeaderField(name: wanted[place].name, value: wanted[place].value.text(for: value)))
            }
        }
        return fields
    }

    /// - Parameter wanted: in lower case.
    private static func same(_ name: ByteView, _ wanted: [UInt8]) -> Bool {
        guard name.count == wanted.count else { return false }
        for index in 0..<wanted.count {
            let byte = name[index]
            guard ((0x41...0x5A).contains(byte) ? byte | 0x20 : byte) == wanted[index] else { return false }
        }
        return true
    }
}

extension HTTPResponse {
    /// What an adapter answers to its provider.
    init(_ response: WebhookResponse) {
        self.init(
            HTTPStatus(response.status), headers: response.body.isEmpty ? [:] : ["Content-Type": response.contentType],
            body: .bytes(response.body))
    }
}
