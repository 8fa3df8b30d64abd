/// How sound is written in packets.
///
/// PCMA and PCMU are understood: converted, played, recorded. Any other is passed on between two sides that agreed on the same.
package struct AudioCodec: Hashable, Sendable, CustomStringConvertible {
    package enum Kind: UInt8, Sendable { case pcma, pcmu, other }

    package let kind: Kind
    /// As in `a=rtpmap`: steps of the timestamp a second.
    package let clockRate: UInt32
    /// The encoding's name in upper case, with its channels where there are more than one: `OPUS/2`.
    package let name: String

    package static let pcma = AudioCodec(kind: .pcma, clockRate: 8000, name: "PCMA")
    package static let pcmu = AudioCodec(kind: .pcmu, clockRate: 8000, name: "PCMU")

    private init(kind: Kind, clockRate: UInt32, name: String) {
        self.kind = kind
        self.clockRate = clockRate
        self.name = name
    }

    /// The codec of an `a=rtpmap`: PCMA and PCMU by their names, whatever the case, at 8,000 Hz with one channel.
    package init(name: String, clockRate: UInt32, channels: Int = 1) {
        let name = name.uppercased()
        switch (name, clockRate, channels) {
        case ("PCMA", 8000, ...1): self = .pcma
        case ("PCMU", 8000, ...1): self = .pcmu
        default:
            self.init(kind: .other, clockRate: max(1, clockRate), name: channels > 1 ? "\(name)/\(channels)" : name)
        }
    }

    /// Whether its sound can be decoded, made and converted here.
    package var isUnderstood: Bool { kind != .other }

    package var description: String { "\(name)@\(clockRate)" }
}
