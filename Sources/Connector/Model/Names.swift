/// The name of one configured account at one provider: the name of its file in `adapters.d`, a slug.
package struct ConnectionID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let name: String

    package init(_ name: String) { self.name = name }

    package var description: String { name }

    package static func < (left: Self, right: Self) -> Bool { left.name < right.name }

    /// Whether `name` is a slug: 1 to 64 of `a-z`, `0-9`, `-`, `_`, starting with a letter or digit.
    package static func isSlug(_ name: some StringProtocol) -> Bool {
        guard let first = name.utf8.first, name.utf8.count <= 64, first != 0x2D, first != 0x5F else { return false }
        return name.utf8.allSatisfy { (0x61...0x7A).contains($0) || (0x30...0x39).contains($0) || $0 == 0x2D || $0 == 0x5F }
    }
}

/// The name of one customer whose calls nobody else may see; a slug.
package struct TenantID: Hashable, Comparable, Sendable, CustomStringConvertible {
    package let name: String

    package init(_ name: String) { self.name = name }

    package var description: String { name }

    package static let standard = TenantID("default")

    package static func < (left: Self, right: Self) -> Bool { left.name < right.name }
}

/// A name that the outside gave to a call, a leg or a recording; unique in its connection and kind.
package struct ExternalKey: Hashable, Comparable, Sendable {
    /// What the name names. Raw values are those of the call record's `external_ids[].kind`.
    package enum Kind: String, Sendable, CaseIterable {
        case call, session, leg, linkedid, recording
        case sipCallID = "sip_call_id"
        case crmCommand = "crm_command"

        /// Whether two records with the same such name are one call. Names that others choose (a command's, a SIP system's)
        /// need not be unique: they are kept and found, and never join calls.
        package var namesOneCall: Bool {
            switch self {
            case .call, .session, .linkedid, .recording: true
            case .leg, .sipCallID, .crmCommand: false
            }
        }
    }

    package var kind: Kind
    package var value: String

    package init(_ kind: Kind, _ value: String) {
        self.kind = kind
        self.value = value
    }

    package static func < (left: Self, right: Self) -> Bool {
        (left.kind.rawValue, left.value) < (right.kind.rawValue, right.value)
    }
}
