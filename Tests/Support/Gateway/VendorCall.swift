import AdapterKit
import Connector
import Digests
import Glibc

/// One call as its vendor tells it: signed requests, in order.
package struct VendorCall: Sendable {
    /// The vendor's own name for the call.
    package let name: String
    package let requests: [WireRequest]

    /// The secrets that the fixtures, and so all tests, are signed with. Made up.
    package enum Secrets {
        package static let mangoKey = "mk9f3tq7w2c6x1z8v5b4n0m3l7k2j6h1"
        package static let mangoSalt = "ms4d8f1g6h3j9k2l5z7x0c4v8b1n6m3q"
        package static let zadarmaKey = "a1b2c3d4e5f60718293a"
        package static let zadarmaSecret = "0f1e2d3c4b5a69788796"
        package static let all = [mangoKey, mangoSalt, zadarmaKey, zadarmaSecret]
    }

    /// Numbers of ranges kept for fiction.
    package enum Numbers {
        package static let callers = ["79000001234", "79000005678", "79000000101"]
        package static let line = "74950000001"
        package static let all = callers + [line]
    }

    /// A call of either vendor, of one of several kinds, by `seed`; the same seed gives the same call.
    package static func any(_ name: String, seed: Int, mango: String = "mango", zadarma: String = "zadarma") -> VendorCall {
        switch seed % 5 {
        case 0: MangoCall(name, at: mango, caller: Numbers.callers[seed % 3]).answered
        case 1: MangoCall(name, at: mango, caller: Numbers.callers[seed % 3]).missed
        case 2: MangoCall(name, at: mango, caller: Numbers.callers[seed % 3]).busy
        case 3: ZadarmaCall(name, at: zadarma, caller: Numbers.callers[seed % 3]).answered
        default: ZadarmaCall(name, at: zadarma, caller: Numbers.callers[seed % 3]).missed
        }
    }
}

/// Tells calls as Mango does. Each request's `mark` in its query tells it from all others.
package struct MangoCall {
    private let name: String
    private let connection: String
    private let caller: String
    private let startedAt: Int

    package init(_ name: String, at connection: String, caller: String = VendorCall.Numbers.callers[0]) {
        (self.name, self.connection, self.caller, startedAt) = (name, connection, caller, time(nil))
    }

    /// Rings an employee, who takes it.
    package var answered: VendorCall {
        call([
            leg(1, "Appeared", at: 0, inbound), leg(2, "Connected", at: 7, inbound),
            leg(3, "Disconnected", at: 67, inbound + #","disconnect_reason":1110"#),
            summary(direction: 1, inbound, forwarded: 0, talked: 7, ended: 67, result: 1, reason: 1110),
        ])
    }

    /// Rings an employee until the caller gives up.
    package var missed: VendorCall {
        call([
            leg(1, "Appeared", at: 0, inbound), leg(2, "Disconnected", at: 18, inbound + #","disconnect_reason":1110"#),
            summary(direction: 1, inbound, forwarded: nil, talked: nil, ended: 18, result: 0, reason: 1110),
        ])
    }

    /// An employee dials, and it is busy.
    package var busy: VendorCall {
        call([
            leg(1, "Appeared", at: 0, outbound), leg(2, "Disconnected", at: 3, outbound + #","disconnect_reason":1121"#),
            summary(direction: 2, outbound, forwarded: 0, talked: nil, ended: 3, result: 0, reason: 1121),
        ])
    }

    private var line: String { VendorCall.Numbers.line }
    private var employee: String { #""extension":"101","number":"sip:ivanov@demo.mangosip.ru""# }
    private var inbound: String { #""from":{"number":"\#(caller)"},"to":{\#(employee),"line_number":"\#(line)"}"# }
    private var outbound: String { #""from":{\#(employee)},"to":{"number":"\#(caller)","line_number":"\#(line)"}"# }

    private func leg(_ sequence: Int, _ state: String, at offset: Int, _ rest: String) -> (path: String, json: String) {
        (
            "/events/call",
            #"{"entry_id":"\#(name)","call_id":"\#(name).leg","timestamp":\#(startedAt + offset),"seq":\#(sequence),"#
                + #""call_state":"\#(state)","location":"abonent",\#(rest),"dct":{"type":0}}"#
        )
    }

    private func summary(
        direction: Int, _ parties: String, forwarded: Int?, talked: Int?, ended: Int, result: Int, reason: Int
    ) -> (path: String, json: String) {
        let moments = [forwarded, talked].map { $0.map { startedAt + $0 } ?? 0 }
        return (
            "/events/summary",
            #"{"entry_id":"\#(name)","call_direction":\#(direction),\#(parties),"line_number":"\#(line)","#
                + #""create_time":\#(startedAt),"forward_time":\#(moments[0]),"talk_time":\#(moments[1]),"#
                + #""end_time":\#(startedAt + ended),"entry_result":\#(result),"disconnect_reason":\#(reason)}"#
        )
    }

    private func call(_ messages: [(path: String, json: String)]) -> VendorCall {
        let requests = messages.enumerated().map { index, message in
            Self.request(message.json, path: message.path, at: connection, mark: "\(name)-\(index)")
        }
        return VendorCall(name: name, requests: requests)
    }

    /// `json`, signed.
    package static func request(
        _ json: String, path: String = "/events/call", at connection: String, mark: String,
        salt: String = VendorCall.Secrets.mangoSalt
    ) -> WireRequest {
        request(json: Array(json.utf8), path: path, at: connection, mark: mark, salt: salt)
    }

    /// Any bytes, signed as `json`.
    package static func request(
        json: [UInt8], path: String = "/events/call", at connection: String, mark: String,
        salt: String = VendorCall.Secrets.mangoSalt
    ) -> WireRequest {
        let key = VendorCall.Secrets.mangoKey
        let sign = Digest.hash(Array(key.utf8) + json + Array(salt.utf8), .sha256).hex
        return WireRequest(
            "POST", "/hooks/\(connection)\(path)?mark=\(mark)", headers: [formType],
            body: form([("vpbx_api_key", key), ("sign", sign)]) + "&json=" + escaped(json))
    }
}

/// Tells calls as Zadarma does.
package struct ZadarmaCall {
    private let name: String
    private let connection: String
    private let caller: String
    private let start = "2026-11-02 10:15:20"

    package init(_ name: String, at connection: String, caller: String = VendorCall.Numbers.callers[0]) {
        (self.name, self.connection, self.caller) = ("in_\(name)", connection, caller)
    }

    /// Rings an employee, who takes it.
    package var answered: VendorCall {
        call([
            ("NOTIFY_START", []), ("NOTIFY_INTERNAL", [("internal", "101")]),
            ("NOTIFY_ANSWER", [("destination", "101"), ("internal", "101")]),
            (
                "NOTIFY_END",
                [
                    ("internal", "101"), ("duration", "63"), ("disposition", "answered"), ("status_code", "16"),
                    ("is_recorded", "0"),
                ]
            ),
        ])
    }

    /// Rings an employee until the caller gives up.
    package var missed: VendorCall {
        call([
            ("NOTIFY_START", []), ("NOTIFY_INTERNAL", [("internal", "101")]),
            (
                "NOTIFY_END",
                [("internal", "101"), ("duration", "0"), ("disposition", "cancel"), ("status_code", "16"), ("is_recorded", "0")]
            ),
        ])
    }

    private func call(_ messages: [(event: String, fields: [(String, String)])]) -> VendorCall {
        let requests = messages.enumerated().map { index, message in
            request(message.event, message.fields, mark: "\(name)-\(index)")
        }
        return VendorCall(name: name, requests: requests)
    }

    private func request(_ event: String, _ more: [(String, String)], mark: String) -> WireRequest {
        let line = VendorCall.Numbers.line
        let signed = event == "NOTIFY_ANSWER" ? "\(caller)101\(start)" : "\(caller)\(line)\(start)"
        var fields = [("event", event), ("call_start", start), ("pbx_call_id", name), ("caller_id", caller)]
        if event != "NOTIFY_ANSWER" { fields.append(("called_did", line)) }
        return Self.request(fields + more, signed: signed, at: connection, mark: mark)
    }

    /// `fields`, signed over the text `signed`.
    package static func request(
        _ fields: [(String, String)], signed: String, at connection: String, mark: String,
        secret: String = VendorCall.Secrets.zadarmaSecret
    ) -> WireRequest {
        let digest = KeyedDigest(hmac: .sha1, key: Array(secret.utf8)).sign(signed)
        return WireRequest(
            "POST", "/hooks/\(connection)?mark=\(mark)",
            headers: [formType, "Signature: \(Base64.encode(Array(digest.hex.utf8)))"], body: form(fields))
    }
}

private let formType = "Content-Type: application/x-www-form-urlencoded"

/// `fields` as a form's body: every byte that is no letter or digit is escaped.
private func form(_ fields: [(String, String)]) -> String {
    fields.map { name, value in "\(name)=\(escaped(value.utf8))" }.joined(separator: "&")
}

private func escaped(_ bytes: some Sequence<UInt8>) -> String {
    var escaped: [UInt8] = []
    for byte in bytes {
        switch byte {
        case 0x30...0x39, 0x41...0x5A, 0x61...0x7A: escaped.append(byte)
        default: escaped += [UInt8(ascii: "%")] + Hex.encode([byte]).uppercased().utf8
        }
    }
    return String(decoding: escaped, as: UTF8.self)
}
