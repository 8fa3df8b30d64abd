import Connector

/// Which telephones are reachable, ringing or in use, by the server's device states.
struct DevicePresence: Equatable, Sendable {
    /// By device: `PJSIP/101`.
    private(set) var devices: [String: EmployeePresence] = [:]

    private static let limit = 20_000

    /// Takes in an event or a row of a list that tells a device's state.
    mutating func take(_ message: ManagerMessage) {
        guard message.head.value == "DeviceStateChange", let device = message["Device"], let state = message["State"] else {
            return
        }
        // `Queue:support`, `Custom:dnd`, `Local/101@agents`: no telephones.
        guard device.contains("/"), !device.contains(":"), !device.hasPrefix("Local/") else { return }
        guard devices[device] != nil || devices.count < Self.limit else { return }
        devices[device] = Self.presence(state)
    }

    /// The device of a short number: `PJSIP/101`.
    func device(of number: String) -> String? {
        devices.keys.filter { PhonePlan.endpoint(of: $0 + "-") == number }.min()
    }

    /// The state of each short number, of the liveliest of its devices.
    func numbers(in plan: PhonePlan) -> [String: EmployeePresence] {
        var numbers: [String: EmployeePresence] = [:]
        for (device, presence) in devices {
            guard case .person(let number) = plan.side(of: device + "-", number: nil) else { continue }
            numbers[number] = max(numbers[number] ?? presence, presence)
        }
        return numbers
    }

    private static func presence(_ state: String) -> EmployeePresence {
        switch state {
        case "NOT_INUSE": .online
        case "INUSE", "BUSY", "ONHOLD", "RINGINUSE": .busy
        case "RINGING": .ringing
        case "UNAVAILABLE", "INVALID": .offline
        default: .unknown
        }
    }
}
