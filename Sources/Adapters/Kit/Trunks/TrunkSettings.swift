import Connector

/// Settings that every kind of trunk has, and how they are read.
package enum TrunkSettings {
    package static let dtmf = SettingSpecification(
        "dtmf", .choice(TrunkAccount.Keys.allCases.map(\.rawValue)), standard: TrunkAccount.Keys.events.rawValue,
        help: "how keys are sent on: rfc4733 where the other side takes it, info, inband")
    package static let codecs = SettingSpecification(
        "codecs", .list, standard: "pcma, pcmu", help: "pcma, pcmu, in the order of liking")
    package static let publicAddress = SettingSpecification(
        "public_address", .text, help: "the address by which this provider reaches us, where it is not the PBX's")
    package static let allowCallsFrom = SettingSpecification(
        "allow_calls_from", .list,
        help: "addresses, networks and names from which calls come, beside the registrar's own; strangers are not answered")

    /// Takes over the settings above.
    package static func apply(_ settings: AdapterSettings, to trunk: inout TrunkAccount) throws(SettingsError) {
        if let word = settings["dtmf"], let keys = TrunkAccount.Keys(rawValue: word) { trunk.keys = keys }
        let codecs = SettingWords.read(settings["codecs"])
        if !codecs.isEmpty {
            trunk.codecs = codecs.compactMap { TrunkAccount.Codec(rawValue: $0.lowercased()) }
            guard trunk.codecs.count == codecs.count, Set(trunk.codecs).count == codecs.count else {
                throw SettingsError(setting: "codecs", problem: "has one that is not known, or twice", hint: "write pcma, pcmu")
            }
        }
        if let address = settings["public_address"], !address.isEmpty {
            guard HostAndPort.isHost(address) else {
                throw SettingsError(
                    setting: "public_address", problem: "is neither an address nor a name", hint: "write it without a port")
            }
            trunk.publicAddress = address
        }
        trunk.sources = SettingWords.read(settings["allow_calls_from"])
    }

    /// Takes over what an account says for itself.
    package static func apply(_ entry: TrunkEntry, to trunk: inout TrunkAccount) throws(SettingsError) {
        if let calls = entry.parallelCalls { trunk.parallelCalls = calls == 0 ? nil : calls }
        if !entry.numbers.isEmpty { trunk.numbers = entry.numbers }
        guard let address = entry.publicAddress else { return }
        guard HostAndPort.isHost(address) else {
            throw SettingsError(
                setting: "accounts", problem: "has a `public_address` that is neither an address nor a name",
                hint: "write it without a port")
        }
        trunk.publicAddress = address
    }

    package static func seconds(
        _ settings: AdapterSettings, _ name: String, in range: ClosedRange<Int>, hint: String
    ) throws(SettingsError) -> Duration? {
        try integer(settings, name, in: range, hint: hint).map { .seconds($0) }
    }

    package static func integer(
        _ settings: AdapterSettings, _ name: String, in range: ClosedRange<Int>, hint: String
    ) throws(SettingsError) -> Int? {
        guard let text = settings[name], !text.isEmpty else { return nil }
        guard let number = DecimalInteger.parse(text.utf8), range.contains(number) else {
            throw SettingsError(
                setting: name, problem: "is no whole number from \(range.lowerBound) to \(range.upperBound)", hint: hint)
        }
        return number
    }

    /// What can be put into an address and a header.
    package static func isLogin(_ text: String) -> Bool {
        (1...128).contains(text.utf8.count)
            && text.utf8.allSatisfy { byte in
                (0x30...0x39).contains(byte) || (0x41...0x5A).contains(byte) || (0x61...0x7A).contains(byte)
                    || "-_.!~*'()&=+$,;?/%".utf8.contains(byte)
            }
    }
}
