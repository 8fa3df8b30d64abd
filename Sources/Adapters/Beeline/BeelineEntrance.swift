/// Where a subscription's events come in, behind the connection's address: it says for whom the subscription is.
///
/// Beeline's events name an employee by whatever his telephone is called, and often by nothing that stands in the address book; the
/// subscription's name changes. Its address is ours to choose, and stands in each event's request.
enum BeelineEntrance: Hashable, Sendable {
    /// A subscription that somebody else began.
    case bare
    /// Ours, for the whole company.
    case company
    /// Ours, for the employee of that name.
    case employee(String)

    /// - Parameter path: of a request, behind the connection's address.
    init(path: String) {
        if path == Self.companyPath {
            self = .company
        } else if path.hasPrefix(Self.employeePath), Self.isName(path.dropFirst(Self.employeePath.utf8.count)) {
            self = .employee(String(path.dropFirst(Self.employeePath.utf8.count)))
        } else {
            self = .bare
        }
    }

    var path: String {
        switch self {
        case .bare: ""
        case .company: Self.companyPath
        case .employee(let name): Self.employeePath + name
        }
    }

    private static let companyPath = "/company"
    private static let employeePath = "/employee/"

    /// Whether it can stand in a path as it is.
    static func isName(_ text: some StringProtocol) -> Bool {
        (1...64).contains(text.utf8.count) && text.contains { $0 != "." }
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x61...0x7A).contains(byte | 0x20) || "._-".utf8.contains(byte)
            }
    }
}

/// What the decoder tells the keeper.
enum BeelineSignal {
    /// A subscription has begun: Beeline told the calls that are up.
    static let started = "subscription_started"
    static let terminated = "subscription_terminated"
    /// An event came by a subscription that the gateway did not begin.
    static let foreign = "subscription_foreign"

    /// The field that names the subscription.
    static let subscription = "subscriptionId"
}
