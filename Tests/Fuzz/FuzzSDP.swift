// Compiled into one module with the reader's own files by scripts/fuzz.sh; no target of the package.

import NetworkTypes

/// Any bytes as a session description.
///
/// Holds that the reader refuses or understands, never traps; that what we answer is read again, with as many sections in the same
/// order, and none of it opens what the offer closed; and that an answer is accepted or refused.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzSDP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let given = try? SDP(bytes) else { return 0 }
    var local = SDPLocal(address: IPAddress(v4: 0x7F00_0001), port: 20_000, sessionID: 7)
    for codecs in [[SDPCodec.pcma, .pcmu], [SDPCodec("opus", clockRate: 48_000, channels: 2, payloadType: 111), .pcmu]] {
        local.codecs = codecs
        if let (text, agreement) = try? SDPNegotiation.answer(given, local) { hold(text, agreement, to: given) }
        if let agreement = try? SDPNegotiation.accept(given, local) { hold(agreement) }
    }
    return 0
}

private func hold(_ text: [UInt8], _ agreement: SDPAgreement, to offer: SDP) {
    hold(agreement)
    guard let answer = try? SDP(text) else { preconditionFailure("an answer of ours is understood") }
    precondition(answer.sections.map(\.kind) == offer.sections.map(\.kind), "each section is answered in its place")
    let open = answer.sections.indices.filter { answer.sections[$0].port != 0 }
    precondition(open.count == 1, "one section is taken")
    guard let place = open.first else { return }
    let (ours, theirs) = (answer.direction(of: answer.sections[place]), offer.direction(of: offer.sections[place]))
    precondition(answer.sections[place].transport == offer.sections[place].transport, "an answer has its offer's transport")
    precondition((!ours.sends || theirs.receives) && (!ours.receives || theirs.sends), "an answer opens nothing that is closed")
    precondition(ours == agreement.direction, "what is agreed on is what is written")
}

private func hold(_ agreement: SDPAgreement) {
    precondition((10...120).contains(agreement.packetMilliseconds))
    precondition(agreement.payloadTypeIn < 128 && agreement.payloadTypeOut < 128)
    precondition(agreement.remoteRTCP.map { $0.port != 0 } ?? true)
    precondition(!agreement.isHeldByPeer || !agreement.direction.sends, "who is held sends nothing")
}
