import Connector

/// An invented vendor with the smallest possible rules: a request is genuine when its header `x-bell` is the key.
package struct BellAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "bell", title: "Bell", version: "1",
        settings: [
            SettingSpecification("key", .secret, isRequired: true, help: "the key of the account"),
            SettingSpecification("time_zone", .timeZone, standard: "Europe/Moscow", help: "the zone of its times"),
            SettingSpecification("tone", .choice(["low", "high"]), help: "how it rings"),
            SettingSpecification("patience", .text, help: "milliseconds that its questions wait"),
        ],
        headers: ["x-bell", "content-type"],
        capabilities: [
            .originate, .hangup, .hold, .resume, .dtmf, .blindTransfer, .recordStart,
        ])

    private let key: String
    package let descriptor: AdapterDescriptor

    package init(settings: AdapterSettings) throws {
        key = try settings.required("key")
        var descriptor = Self.descriptor
        let patience = settings["patience"].flatMap { Int($0) } ?? 20_000
        descriptor.routing = RoutingAbility(.answer, deadline: .milliseconds(patience), targets: [.user])
        self.descriptor = descriptor
        guard settings["time_zone"] != "Nowhere" else {
            throw SettingsError(setting: "time_zone", problem: "names no zone", hint: "write an IANA name")
        }
    }

    package func makeAuthenticator() -> any WebhookAuthenticator { BellAuthenticator(key: key) }

    package func makeDecoder() -> any EventDecoder { BellDecoder() }

    package func acknowledge(_ question: RoutingQuestion, _ decision: RoutingDecision) -> WebhookResponse {
        WebhookResponse(body: Array("ring \(decision.target?.ref ?? "as usual")".utf8))
    }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? { BellClient(outgoing: outgoing) }
}

/// Sends each command to the vendor as one request; `200` with the call's name is a yes.
private struct BellClient: ProviderClient {
    let outgoing: any Outgoing

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        do {
            let answer = try await outgoing.send(
                OutgoingRequest("POST", "http://bell.invalid/\(order.action.type)", body: Array("\(order.action)".utf8)))
            guard answer.status == 200 else {
                throw ProviderFailure(.rejected, code: "\(answer.status)", text: "the bell does not ring")
            }
            let name = String(decoding: answer.body, as: UTF8.self)
            return ProviderAnswer(call: name.isEmpty ? nil : ExternalKey(.call, name), code: "200")
        } catch {
            throw ProviderFailure(error)
        }
    }
}

private final class BellAuthenticator: WebhookAuthenticator {
    let key: String

    init(key: String) { self.key = key }

    func authenticate(_ request: WebhookRequest) -> Authentication {
        guard request.header("x-bell") == key else { return .refuse(status: 401, reason: "wrong key") }
        if request.query == "ping" { return .handshake(WebhookResponse(body: Array("pong".utf8))) }
        return .accept(WebhookResponse(body: Array("ok".utf8)))
    }

    /// `?ask=NUMBER` asks whom to ring for that number.
    func routingQuestion(_ request: WebhookRequest) -> RoutingQuestion? {
        guard request.query.hasPrefix("ask=") else { return nil }
        let number = String(request.query.dropFirst(4))
        return RoutingQuestion(call: ExternalKey(.call, "bell-\(number)"), number: number)
    }
}

private final class BellDecoder: EventDecoder {
    func decode(_ raw: RawRecord) -> [Decoded] { [.ignored(reason: "a bell says nothing")] }
}
