/// Sound that is ready to be sent: one channel of 8,000 samples a second in both laws, shared by all who play it.
final class AudioClip: Sendable {
    /// What a packet carries: 20 ms.
    static let samplesAPacket = 160

    private let aLaw: [UInt8]
    private let muLaw: [UInt8]

    init(samples: [Int16]) {
        aLaw = samples.map(G711.aLaw.encode)
        muLaw = samples.map(G711.muLaw.encode)
    }

    /// Of sound that is in one of the laws already: it stays as it is.
    init(codes: [UInt8], law: G711) {
        let other = codes.map { law.converting[Int($0)] }
        (aLaw, muLaw) = law == .aLaw ? (codes, other) : (other, codes)
    }

    var sampleCount: Int { aLaw.count }
    var byteCount: Int { aLaw.count * 2 }

    func codes(in law: G711) -> [UInt8] { law == .aLaw ? aLaw : muLaw }
}
