import Connector
import Glibc
import Network
import PBXPlan
import SIP

/// What the PBX of a connection is told beside its plan.
struct PBXSettings: Sendable, Equatable {
    var listeners: [SIPTransportSettings.Listener] = []
    /// Ours, as telephones and trunks outside of the local networks reach it.
    var publicAddress: IPAddress?
    /// Whence our own addresses are reached as they are.
    var localNetworks: [IPNetwork] = []
    /// For sound.
    var ports: ClosedRange<UInt16> = 10_000...19_999
    /// Loops of their own for sound; 0 has it on the signalling loop. A small machine has one loop for both: waking another thread a
    /// dozen times a call costs more there than it brings.
    var mediaLoops = min(max(sysconf(Int32(_SC_NPROCESSORS_ONLN)) - 2, 0), 8)
    /// The folder for recordings.
    var recordings = ""
    /// The folder of prompts, absolute.
    var prompts = ""
    /// ISO 3166-1, of numbers without a country code.
    var country = "RU"
    /// How it names itself to telephones and trunks; nothing tells them nothing.
    var userAgent: String?
    /// Of the digest.
    var realm = "kommutator"

    init() {}

    /// - Throws: `SettingsError`.
    init(_ plan: CallPlan, _ dialPlan: DialPlan, data: String, adapters: String) throws {
        let networking = try PBXNetworking(plan.settings)
        listeners = try networking.entrances.map { entrance in
            guard let ip = IPAddress(entrance.address) else {
                throw SettingsError(setting: "listen", problem: "has an entry that is no address", hint: "write udp:0.0.0.0:5060")
            }
            return SIPTransportSettings.Listener(entrance.transport == .tcp ? .tcp : .udp, SocketAddress(ip, port: entrance.port))
        }
        publicAddress = networking.publicAddress.flatMap { IPAddress($0) }
        localNetworks = networking.localNetworks.compactMap { IPNetwork($0) }
        ports = networking.mediaPorts
        userAgent = networking.userAgent
        country = plan.settings["default_country"] ?? "RU"
        recordings = Self.recordings(in: data)
        prompts = dialPlan.prompts.path.hasPrefix("/") ? dialPlan.prompts.path : adapters + "/" + dialPlan.prompts.path
    }

    static func recordings(in data: String) -> String { data + "/pbx" }

    /// - Throws: `NetworkError`-like: the folder cannot be made.
    func prepareFolders() throws(SettingsError) {
        guard mkdir(recordings, 0o750) == 0 || errno == EEXIST else {
            throw SettingsError(
                setting: "data", problem: "cannot hold the folder \(recordings): \(String(cString: strerror(errno)))",
                hint: "let the gateway's user write there")
        }
    }
}
