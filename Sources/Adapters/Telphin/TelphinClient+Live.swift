import AdapterKit
import Connector

/// Acting on calls that are up: `current_calls` of the extension that takes part in them.
extension TelphinClient {
    /// What is to be done with a call by `PUT`.
    struct Act {
        let action: String
        let target: String?

        init(_ action: String, to target: String? = nil) {
            self.action = action
            self.target = target
        }

        var body: [UInt8] {
            var json = JSONWriter()
            json.beginObject()
            json.field("action", action)
            if let target { json.field("send_dst", target) }
            json.endObject()
            return json.finish()
        }
    }

    /// Finds the call's handle among the extension's live calls, for it may change, and acts at once.
    /// - Parameter act: nil hangs up.
    func perform(_ act: Act?, on call: CommandTarget?, within time: TimeLeft) async throws(ProviderFailure) -> ProviderAnswer {
        guard let call else { throw .invalid("call", "no call is named") }
        // Who hangs up may ring still; who holds or passes on talks.
        guard let leg = call.talkingLeg ?? (act == nil ? call.legs.last : nil) else {
            throw .invalid("call", act == nil ? "nobody is in the call" : "no employee talks in the call")
        }
        let owner = try await owner(of: leg, within: time)
        let rows = try await line.list("extension/\(owner)/current_calls/", within: time).map(TelphinLiveCall.init)
        let handle = try TelphinLiveCall.handle(of: call, among: rows)
        let target = "extension/\(owner)/current_calls/\(FormEncoding.encode(segment: handle))"
        let request = TelphinLine.Request(
            method: act == nil ? "DELETE" : "PUT", target: target, body: act?.body ?? [], acts: true)
        return ProviderAnswer(code: String(try await line.send(request, within: time).status))
    }

    /// The extension of a leg: its name begins with it. Of a leg that had to be named otherwise, the employee's.
    private func owner(of leg: CommandTarget.Leg, within time: TimeLeft) async throws(ProviderFailure) -> String {
        let first = leg.key.prefix { $0 != "-" }
        if TelphinExtension.isID(first), first.utf8.count < leg.key.utf8.count { return String(first) }
        guard let user = leg.user, TelphinNumber.isShort(TelphinNumber.short(user)) else {
            throw .invalid("call", "the call is at no extension that is known")
        }
        return try await extensions.id(of: TelphinNumber.short(user), within: time)
    }
}

/// A row of `current_calls`.
struct TelphinLiveCall {
    /// `call_api_id`: what commands name the call by; opaque.
    let handle: String?
    /// Other names of it that may stand in its events.
    private let names: [String]
    private let numbers: [String]

    init(_ row: JSONNode) {
        func text(_ name: StaticString) -> String? { row[name].anyText.flatMap { (1...256).contains($0.utf8.count) ? $0 : nil } }
        // Dots alone would lead out of the list.
        handle = text("call_api_id").flatMap { $0.contains { $0 != "." } ? $0 : nil }
        names = [text("call_api_id"), text("callback_id"), text("call_id")].compactMap { $0.map(Self.plain) }
        numbers = [text("caller_id_number"), text("called_number")].compactMap { $0 }
    }

    /// The handle of the call that is meant: by a name, else by the number outside. A call whose number is hidden is taken where it is
    /// the only one. Nothing is guessed: another call must not be hung up.
    /// - Throws: `.rejected` where none is, or several are.
    static func handle(of call: CommandTarget, among rows: [TelphinLiveCall]) throws(ProviderFailure) -> String {
        let keys = call.keys.map { plain($0.value) }.filter { $0.utf8.count >= 8 }
        var found = rows.filter { row in row.names.contains { name in keys.contains { name.contains($0) } } }
        if found.isEmpty {
            let number = lastDigits(call.externalNumber ?? "")
            found = number.isEmpty ? (rows.count == 1 ? rows : []) : rows.filter { $0.numbers.map(lastDigits).contains(number) }
        }
        let handles = Set(found.compactMap(\.handle))
        guard let handle = handles.first else {
            throw ProviderFailure(.rejected, code: "not_live", text: "the call is not among the extension's live calls")
        }
        guard handles.count == 1 else {
            throw ProviderFailure(.rejected, code: "ambiguous", text: "several live calls of the extension may be meant")
        }
        return handle
    }

    /// Names are written with dashes and without, in either case.
    private static func plain(_ name: String) -> String { name.lowercased().filter { $0 != "-" } }

    /// Ten of them tell a number, however it is written.
    private static func lastDigits(_ number: String) -> [UInt8] {
        number.utf8.filter { (0x30...0x39).contains($0) }.suffix(10)
    }
}
