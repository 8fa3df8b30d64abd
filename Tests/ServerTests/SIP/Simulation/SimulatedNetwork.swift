import NetworkTypes

@testable import SIP

/// What a network does to what it carries.
struct NetworkQuality {
    var name: String
    var delay: ClosedRange<Int>
    var lossPercent = 0
    var repetitionPercent = 0

    static let good = NetworkQuality(name: "good", delay: 1...20)
    static let jittery = NetworkQuality(name: "jittery", delay: 1...400, repetitionPercent: 15)
    static let slow = NetworkQuality(name: "slow", delay: 300...1500, repetitionPercent: 5)

    static func lossy(_ percent: Int) -> NetworkQuality {
        NetworkQuality(name: "lossy \(percent) %", delay: 1...800, lossPercent: percent, repetitionPercent: 5)
    }

    /// Whether all that is sent arrives, though late, twice and in any order.
    var keepsAll: Bool { lossPercent == 0 }
}

/// A network that loses, repeats, delays and reorders datagrams by a seed, and only delays what streams carry.
final class SimulatedNetwork {
    struct Arrival {
        let bytes: [UInt8]
        let from: SocketAddress
        let flow: SIPFlow
    }

    private let quality: NetworkQuality
    private let chance: SimulatedChance
    private var underWay = Agenda<Arrival>()
    /// When the last piece arrives that each end sent over its stream.
    private var lastOfStream: [SocketAddress: MonotonicInstant] = [:]

    init(_ quality: NetworkQuality, chance: SimulatedChance) {
        self.quality = quality
        self.chance = chance
    }

    var nextArrival: MonotonicInstant? { underWay.next }

    func carry(_ bytes: [UInt8], over flow: SIPFlow, from sender: SocketAddress, at now: MonotonicInstant) {
        let arrival = Arrival(bytes: bytes, from: sender, flow: flow)
        guard flow.transport == .udp else {
            let moment = max(now.advanced(by: chance.milliseconds(quality.delay)), lastOfStream[sender] ?? now)
            lastOfStream[sender] = moment
            return underWay.note(arrival, for: moment)
        }
        if !chance.happens(percent: quality.lossPercent) {
            underWay.note(arrival, for: now.advanced(by: chance.milliseconds(quality.delay)))
        }
        if chance.happens(percent: quality.repetitionPercent) {
            underWay.note(arrival, for: now.advanced(by: chance.milliseconds(quality.delay)))
        }
    }

    func takeArrival(at now: MonotonicInstant) -> Arrival? { underWay.takeDue(at: now) }

    /// A cut connection takes with it what is under way.
    func dropAll() { underWay.removeAll() }
}
