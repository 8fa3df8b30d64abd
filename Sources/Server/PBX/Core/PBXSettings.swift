import Network

/// What the PBX of a connection is told beside its plan.
struct PBXSettings: Sendable {
    /// Ours, as telephones and trunks outside of the local networks reach it.
    var publicAddress: IPAddress?
    /// Whence our own addresses are reached as they are.
    var localNetworks: [IPNetwork] = []
    /// The folder for recordings being written.
    var recordings = ""
    /// The folder of prompts, absolute.
    var prompts = ""
    /// ISO 3166-1, of numbers without a country code.
    var country = "RU"
    /// Of the digest.
    var realm = "kommutator"
    var listeners: [SIPTransportSettings.Listener] = []
    /// For sound.
    var ports: ClosedRange<UInt16> = 16_384...32_767
    /// Loops of their own for sound; 0 has it on the signalling loop.
    var mediaLoops = 1
}
