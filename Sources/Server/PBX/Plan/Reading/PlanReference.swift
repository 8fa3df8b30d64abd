import Connector

/// A name in the plan that something must bear.
struct PlanReference {
    /// Raw values are words of messages.
    enum Kind: String {
        case `extension`, mobile, group, queue, menu, schedule, route, prompt, trunk
        case voicemail = "voicemail box"

        /// Where it is described.
        var section: String {
            switch self {
            case .extension, .mobile: "extensions"
            case .group: "groups"
            case .queue: "queues"
            case .menu: "menus"
            case .schedule: "schedules"
            case .route: "routes"
            case .prompt: "prompts"
            case .trunk: "trunks"
            case .voicemail: "voicemail"
            }
        }
    }

    var kind: Kind
    var name: String
    var place: SettingTree.Place

    init(_ kind: Kind, _ name: String, at place: SettingTree.Place) {
        self.kind = kind
        self.name = name
        self.place = place
    }
}

/// Something that can be dialled within the house.
struct PlanNumber {
    /// Raw values are words of messages.
    enum Kind: String {
        case `extension` = "an extension"
        case group = "a group"
        case queue = "a queue"
        case emergency = "an emergency number"
        case feature = "a feature code"
    }

    var text: String
    var kind: Kind
    var place: SettingTree.Place

    init(_ text: String, _ kind: Kind, at place: SettingTree.Place) {
        self.text = text
        self.kind = kind
        self.place = place
    }
}

/// A line that is to be shown; by one of these trunks, or by any.
struct LinePlace {
    var line: String
    var trunks: [String]?
    var place: SettingTree.Place
}

/// Where a limit of money stands.
struct MoneyPlace {
    enum Owner {
        case `extension`
        case trunk(String)
        case destination(Destination)
    }

    var owner: Owner
    var place: SettingTree.Place
}

/// What a rule says of a trunk.
struct CarriedDestination: Hashable {
    var destination: Destination
    var trunk: String
    var schedule: String?
}
