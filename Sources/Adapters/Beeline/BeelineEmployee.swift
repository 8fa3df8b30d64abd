import Connector

/// An employee of Beeline's address book.
struct BeelineEmployee: Hashable, Sendable {
    /// By which a subscription asks for him.
    let pattern: String
    /// His name in `employees`, where it can stand in an address; nil for one whose events must tell it themselves.
    let name: String?

    init(pattern: String, name: String?) {
        self.pattern = pattern
        self.name = name
    }

    /// nil for a row that names nobody.
    init?(_ row: JSONNode) {
        let texts = [row["userId"].anyText, row["phone"].anyText, row["extension"].anyText]
        let usable = texts.map { text in text.flatMap { (1...128).contains($0.utf8.count) ? $0 : nil } }
        guard let pattern = usable.compactMap(\.self).first else { return nil }
        self.pattern = pattern
        // The number first: employees are listed by it, and it is what most events name them by.
        let names = [usable[1], usable[0], usable[2]].compactMap { $0.flatMap(BeelineNames.employee) }
        name = names.first(where: BeelineEntrance.isName)
    }
}

/// What Beeline knows of a subscription.
struct BeelineStanding: Sendable, Equatable {
    var address: String?
    /// As granted; whether from its beginning or from now on is not documented.
    var duration: Duration?
}
