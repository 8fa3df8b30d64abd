import Connector
import Synchronization
import TestSupport
import VendorSimulators

/// A double that a client talks to without a socket, at times that a test sets; keeps what the double would send.
final class DoubleBench: Outgoing {
    private struct Webhook {
        var at: Instant
        var call: String
        var step: SimulatedStep
    }

    let clock = ManualClock(Instant(unixSeconds: 1_790_000_000))
    private let double: Mutex<any VendorDouble>
    private let planned = Mutex<[Webhook]>([])

    init(_ double: any VendorDouble) { self.double = Mutex(double) }

    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse {
        let now = clock.now()
        let origin = "https://double.example"
        let target = request.url.dropFirst(origin.count).split(separator: "?", maxSplits: 1).map(String.init)
        let answer = double.withLock { double in
            double.answer(
                DoubleRequest(
                    request.method, target.first ?? "/", query: target.count > 1 ? target[1] : "", headers: request.headers,
                    body: request.body, receivedAt: now, origin: origin))
        }
        for effect in answer.effects { planned.withLock { Self.apply(effect, to: &$0, at: now) } }
        return OutgoingResponse(status: answer.status, headers: answer.headers, body: answer.body)
    }

    private static func apply(_ effect: DoubleEffect, to planned: inout [Webhook], at now: Instant) {
        switch effect {
        case .stop(let call): planned.removeAll { $0.call == call && $0.at > now }
        case .play(let call, let steps):
            var at = now
            for step in steps {
                at = at.advanced(by: step.delay)
                planned.append(Webhook(at: at, call: call, step: step))
            }
        }
    }

    /// All that is sent in the end, as raw records in the order of time.
    func records(_ connection: ConnectionID) -> [RawRecord] {
        let sorted = planned.withLock { $0 }.enumerated().sorted { ($0.element.at, $0.offset) < ($1.element.at, $1.offset) }
        return sorted.map(\.element).enumerated().map { number, webhook in
            RawRecord(
                id: RawID(bits: UInt128(number)), connection: connection, receivedAt: webhook.at, method: webhook.step.method,
                path: webhook.step.target, headers: webhook.step.headers, body: webhook.step.body)
        }
    }
}

extension TelephonyAdapter {
    /// What the records say. nil where the gatekeeper refuses one.
    func read(_ records: [RawRecord]) -> [Decoded]? {
        let authenticator = makeAuthenticator()
        let decoder = makeDecoder()
        var decoded: [Decoded] = []
        for record in records {
            guard case .accept = record.withRequest(authenticator.authenticate) else { return nil }
            decoded += decoder.decode(record)
        }
        return decoded
    }
}
