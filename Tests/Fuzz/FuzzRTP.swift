import NetworkTypes

// Compiled into one module with the readers' own files by scripts/fuzz.sh; no target of the package.

/// Any bytes as packets that follow one another: a byte of length, a byte of milliseconds passed, and the packet.
///
/// Holds that reading never traps, that what is written again is understood, and that the stream that leaves stays one: a new beginning
/// takes the next number, and time does not run back there.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzRTP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var stream = FuzzedStream()
    var place = 0
    while place + 2 < bytes.count {
        let end = min(bytes.count, place + 2 + Int(bytes[place]))
        stream.take(Array(bytes[(place + 2)..<end]), after: .milliseconds(Int(bytes[place + 1])))
        place = end
    }
    return 0
}

/// What a packet goes through in a relay.
private struct FuzzedStream {
    var now = MonotonicInstant(nanoseconds: 0)
    var receiver = RTPReceiver()
    var splice = RTPSplice(ssrc: 9, sequence: 65_000, timestamp: 0xFFFF_0000)
    var keys = KeyReceiver()
    var detector = KeyToneDetector()

    mutating func take(_ packet: [UInt8], after pause: Duration) {
        var packet = packet
        now = now.advanced(by: pause)
        guard let header = RTPHeader(packet.span) else { return }
        precondition(
            header.payload.lowerBound >= RTPHeader.byteCount && header.payload.upperBound <= packet.count, "within the packet")
        let event = TelephoneEvent(packet.span, header.payload)
        if let event, header.payloadType == 101 { _ = keys.note(event, ssrc: header.ssrc, timestamp: header.timestamp) }
        _ = receiver.isContinued(by: header)
        receiver.note(header, arrival: RTPSequence.ticks(.nanoseconds(now.nanoseconds), clockRate: 8000), isSound: event == nil)
        precondition(receiver.lost >= 0, "no negative loss")
        _ = receiver.report()
        relay(header, isEvent: header.payloadType == 101, &packet)
    }

    private mutating func relay(_ header: RTPHeader, isEvent: Bool, _ packet: inout [UInt8]) {
        let last = splice.lastSequence
        let source = RTPSplice.Source(origin: 1, ssrc: header.ssrc)
        guard
            let place = splice.next(
                source, sequence: header.sequence, timestamp: header.timestamp, isEvent: isEvent, clockRate: 8000, now: now)
        else { return }
        if place.begins { precondition(place.sequence == last &+ 1, "a beginning takes the next number") }
        var outgoing = header
        (outgoing.sequence, outgoing.timestamp, outgoing.ssrc) = (place.sequence, place.timestamp, 9)
        _ = detector.listen(packet.span, header.payload, law: .aLaw)
        var span = packet.mutableSpan
        G711.aLaw.convert(&span, header.payload)
        let range = outgoing.write(into: &span)
        let again = RTPHeader(Array(packet[range]).span)
        precondition(
            again?.sequence == place.sequence && again?.payload.count == header.payload.count, "what we write is understood")
    }
}
