import Connector

extension [CustomField] {
    /// The longest value that goes into a call's record; the raw record keeps the whole.
    private static var valueLimit: Int { 2048 }
    /// The most fields of one request that go into a call's record.
    private static var countLimit: Int { 64 }
    /// The longest name, its path included; below one that is longer nothing is looked for.
    private static var nameLimit: Int { 128 }

    /// Appends a vendor's field under its own name, unless it is empty, too long for a record, or one too many.
    package mutating func keep(_ name: String, _ value: String?) {
        guard let value, !value.isEmpty, name.utf8.count <= Self.nameLimit, value.utf8.count <= Self.valueLimit,
            count < Self.countLimit
        else { return }
        append(CustomField(name, value))
    }

    /// Appends the members of a JSON object that an adapter has no use for.
    ///
    /// Objects within become dotted names (`from.sip_headers`), arrays their JSON text; what is null or empty is left out.
    /// - Parameters:
    ///   - known: names that have their place in the record, as they stand in this object.
    ///   - prefix: put before each name, with its dot.
    package mutating func keepMembers(of node: JSONNode, except known: NameSet, prefix: String = "") {
        node.forEachMember { name, value in
            guard !name.isAmong(known) else { return }
            let path = prefix + (name.string ?? "")
            if value.isObject {
                if path.utf8.count <= Self.nameLimit { keepMembers(of: value, except: [], prefix: path + ".") }
            } else {
                keep(path, Self.text(of: value))
            }
        }
    }

    /// Appends the elements within an XML element that an adapter has no use for: each by its path of local names, with dots
    /// (`acdCallInfo.acdName`), where it holds text. Attributes are left out.
    /// - Parameters:
    ///   - known: names that have their place in the record, as they stand in this element.
    ///   - prefix: put before each name, with its dot.
    package mutating func keepElements(of element: XMLTree.Element, except known: NameSet, prefix: String = "") {
        for child in element.children where count < Self.countLimit && !child.isNamed(among: known) {
            let path = prefix + child.name
            keep(path, child.text)
            if path.utf8.count <= Self.nameLimit { keepElements(of: child, except: [], prefix: path + ".") }
        }
    }

    private static func text(of value: JSONNode) -> String? {
        if value.isNull { return nil }
        return value.string ?? String(decoding: value.source, as: UTF8.self)
    }
}
