import Connector

/// What a telephone of the house means by what it dials.
package enum DialledText: Hashable, Sendable {
    case emergency(String)
    case `extension`(String)
    /// By the group's name.
    case group(String)
    case queue(String)
    /// A call that rings at that extension; `nil`: at any colleague's.
    case pickUp(of: String?)
    case voicemail
    case echo
    case outside(PhoneNumber)
    /// Nothing that can be called: 404.
    case unknown

    /// - Parameters:
    ///   - text: the user part of the address that is called, unescaped.
    ///   - home: the country of numbers without a country code.
    package init(_ text: String, in plan: DialPlan, home: String, numbering: any NumberingPlan) {
        self = .unknown
        guard let text = Self.plain(text) else { return }
        self = Self.inside(text, plan) ?? Self.outside(text, plan, numbering.number(text, defaultCountry: home))
    }

    /// Without what people put between digits; `nil` where there is anything else.
    private static func plain(_ text: String) -> String? {
        guard text.utf8.count <= 64 else { return nil }
        let plain = text.filter { !" -().".contains($0) }
        let isDialled =
            !plain.isEmpty && plain.utf8.count <= 32
            && plain.utf8.allSatisfy { (0x30...0x39).contains($0) || "+*#".utf8.contains($0) }
        return isDialled ? plain : nil
    }

    /// Emergency numbers go before everything.
    private static func inside(_ text: String, _ plan: DialPlan) -> DialledText? {
        if plan.emergency.numbers.contains(text) { return .emergency(text) }
        if plan.extensions[text] != nil { return .extension(text) }
        if let group = plan.groups.values.first(where: { $0.number == text }) { return .group(group.name) }
        if let queue = plan.queues.values.first(where: { $0.number == text }) { return .queue(queue.name) }
        return feature(text, plan)
    }

    private static func feature(_ text: String, _ plan: DialPlan) -> DialledText? {
        let codes = plan.features
        if text == codes.voicemail { return .voicemail }
        if text == codes.echo { return .echo }
        guard let pickUp = codes.pickUp, text.hasPrefix(pickUp) else { return nil }
        let owner = String(text.dropFirst(pickUp.count))
        if owner.isEmpty { return .pickUp(of: nil) }
        return plan.extensions[owner] == nil ? nil : .pickUp(of: owner)
    }

    private static func outside(_ text: String, _ plan: DialPlan, _ number: PhoneNumber) -> DialledText {
        let isShort = plan.outgoing.contains { $0.destinations.contains(.short(text)) }
        return number.e164 != nil || isShort ? .outside(number) : .unknown
    }
}
