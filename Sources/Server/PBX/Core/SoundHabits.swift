import Connector
import SIP

/// How sound and keys go with one peer: of a telephone as usual, of a trunk as its account says.
struct SoundHabits {
    /// In our order of liking.
    var codecs: [SDPCodec] = [.pcma, .pcmu]
    var keys = TrunkAccount.Keys.events
}

extension TrunkAccount {
    var soundHabits: SoundHabits {
        SoundHabits(codecs: codecs.map { $0 == .pcma ? .pcma : .pcmu }, keys: keys)
    }
}

extension PBXCore {
    func habits(of place: PBXLeg.Place) -> SoundHabits {
        guard case .trunk(let id, _) = place else { return SoundHabits() }
        return trunks[id]?.account.soundHabits ?? SoundHabits()
    }

    /// Sends keys to a leg the way it takes them: by INFO, else in its sound.
    func send(keys: String, to leg: PBXLeg) {
        guard leg.session.keys == .info, let sip = leg.sip else { return media.send(digits: keys, to: leg.stream) }
        for key in keys {
            let body = Array("Signal=\(key)\r\nDuration=160\r\n".utf8)
            agent.inform(sip, contentType: "application/dtmf-relay", body: body, now: now)
        }
    }
}
