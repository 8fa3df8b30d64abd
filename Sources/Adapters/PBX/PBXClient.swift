import AdapterKit
import Connector

/// What is asked of the PBX: commands, who can be reached, where a recording lies.
struct PBXClient: ProviderClient {
    let control: any CallControl
    let plan: CallPlan

    var keeper: (any ConnectionKeeper)? { PBXKeeper(control: control, plan: plan) }

    var presence: [String: EmployeePresence]? { control.presence(of: plan.connection) }

    func perform(_ order: ProviderOrder) async throws(ProviderFailure) -> ProviderAnswer {
        try Self.check(order)
        return try await control.perform(order, on: plan.connection)
    }

    func recording(_ reference: String) async throws(ProviderFailure) -> OutgoingRequest {
        throw .unsupported("recording", "recordings of the PBX lie on this machine")
    }

    func recordingPlace(_ reference: String) async throws(ProviderFailure) -> RecordingPlace {
        .local(try control.recording(reference, of: plan.connection))
    }

    // MARK: Checking

    /// What cannot be right never reaches the PBX.
    private static func check(_ order: ProviderOrder) throws(ProviderFailure) {
        switch order.action {
        case .originate(let wish):
            guard DialledNumber.short(wish.from) != nil else {
                throw .invalid("from", "the PBX rings an employee first: give his short number")
            }
            try check(number: wish.to, "to")
            if let line = wish.line { try check(number: line, "line") }
            return
        case .transfer(let number, _): try check(number: number, "to")
        case .dtmf(let digits):
            guard (1...32).contains(digits.utf8.count), digits.utf8.allSatisfy({ "0123456789*#ABCDabcd".utf8.contains($0) })
            else {
                throw .invalid("digits", "keys are 0 to 9, *, # and A to D, 32 at most")
            }
        case .hangup, .hold, .resume, .record: break
        }
        guard order.target?.keys.contains(where: { $0.kind == .call }) == true else {
            throw .invalid("call", "this is no call of the PBX")
        }
    }

    private static func check(number: String, _ field: String) throws(ProviderFailure) {
        guard DialledNumber.digits(number) != nil else { throw .invalid(field, "this is no number that can be dialled") }
    }
}
