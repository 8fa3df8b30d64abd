import Network

/// The hot path: a packet comes, is judged, and leaves by the other side of the bridge.
extension MediaLoop {
    /// Takes one packet: while more wait, epoll tells again, which costs less than asking for one that is not there.
    func receiveSound(_ stream: MediaStream) {
        guard case .datagram(let count, let source) = stream.sound.receive(into: UnsafeMutableRawBufferPointer(packet)) else {
            return
        }
        let bytes = UnsafeMutableBufferPointer(rebasing: packet[..<count])
        guard stream.isConfigured, let header = RTPHeader(bytes.span) else { return takeOther(stream, bytes, source) }
        take(stream, bytes, header, source)
    }

    /// What is no RTP: some send RTCP to the same port.
    private func takeOther(_ stream: MediaStream, _ bytes: UnsafeMutableBufferPointer<UInt8>, _ source: SocketAddress) {
        guard stream.isConfigured, RTPHeader.isRTCP(bytes.span) else {
            stream.refused += 1
            return
        }
        takeReport(stream, bytes.span, from: source)
    }

    private func take(
        _ stream: MediaStream, _ bytes: UnsafeMutableBufferPointer<UInt8>, _ header: RTPHeader, _ source: SocketAddress
    ) {
        let isSound = header.payloadType == stream.soundTypeIn
        let isKey = header.payloadType == stream.eventTypeIn
        guard admit(stream, header, source, isAgreed: isSound || isKey) else {
            if RTPHeader.isRTCP(bytes.span) { return takeReport(stream, bytes.span, from: source) }
            stream.refused += 1
            return
        }
        stream.heardAt = loop.now
        stream.silencesTold = 0
        stream.bytesReceived += bytes.count
        stream.receiver.note(header, arrival: arrival(stream), isSound: isSound)
        guard stream.terms.mayReceive else { return }
        if isKey { takeKey(stream, bytes, header) } else { takeSound(stream, bytes, header) }
    }

    /// Whether a packet is from the other side; another payload type than was agreed on is not taken from there either.
    private func admit(_ stream: MediaStream, _ header: RTPHeader, _ source: SocketAddress, isAgreed: Bool) -> Bool {
        if stream.latch.takes(from: source, now: loop.now) { return isAgreed }
        let claim = RemoteLatch.Claim(source: source, isAgreed: isAgreed, isContinued: stream.receiver.isContinued(by: header))
        switch stream.latch.judge(claim, stream.terms, now: loop.now) {
        case .taken: return isAgreed
        case .first: tell(.firstPacket(stream.id, from: source))
        case .moved: tell(.moved(stream.id, to: source))
        case .refused: return false
        }
        return true
    }

    /// The time on the clock of the stream.
    private func arrival(_ stream: MediaStream) -> UInt32 {
        let microseconds = loop.now.nanoseconds / 1000
        return UInt32(truncatingIfNeeded: microseconds &* Int64(stream.terms.codec.clockRate) / 1_000_000)
    }

    private func takeSound(_ stream: MediaStream, _ bytes: UnsafeMutableBufferPointer<UInt8>, _ header: RTPHeader) {
        if let law = stream.law {
            if let lane = stream.lane { courier.push(lane, bytes.span, header.payload, header, law, at: loop.now) }
            if stream.detector != nil, let code = stream.detector?.listen(bytes.span, header.payload, law: law) {
                press(code, stream)
            }
        }
        if let peer = stream.peer { relay(stream, bytes, header, to: peer, type: peer.terms.payloadTypeOut) }
    }

    // MARK: Keys

    private func takeKey(_ stream: MediaStream, _ bytes: UnsafeMutableBufferPointer<UInt8>, _ header: RTPHeader) {
        guard let event = TelephoneEvent(bytes.span, header.payload) else { return }
        if let code = stream.keysIn.note(event, ssrc: header.ssrc, timestamp: header.timestamp) {
            press(code, stream)
            soundKey(code, on: stream.peer)
        }
        if let peer = stream.peer, peer.eventTypeOut != MediaStream.noType {
            relay(stream, bytes, header, to: peer, type: peer.eventTypeOut, isEvent: true)
        }
    }

    /// Tells of a key, unless more come than anybody can press.
    private func press(_ code: UInt8, _ stream: MediaStream) {
        let second = loop.now.nanoseconds / 1_000_000_000
        if stream.keySecond != second { (stream.keySecond, stream.keysThisSecond) = (second, 0) }
        stream.keysThisSecond += 1
        guard stream.keysThisSecond <= MediaStream.maximumKeysASecond else { return }
        tell(.digit(stream.id, TelephoneEvent.keys[Int(code)]))
    }

    /// Lets a side that agreed on no telephone events hear a key.
    private func soundKey(_ code: UInt8, on peer: MediaStream?) {
        guard let peer, peer.isConfigured, peer.eventTypeOut == MediaStream.noType, peer.law != nil, peer.terms.takesKeyTones
        else {
            return
        }
        addKeyTones([code], to: peer)
    }

    // MARK: Relaying

    private func relay(
        _ stream: MediaStream, _ bytes: UnsafeMutableBufferPointer<UInt8>, _ header: RTPHeader, to peer: MediaStream, type: UInt8,
        isEvent: Bool = false
    ) {
        guard stream.way != .blocked, !peer.isBusy, let target = peer.target else { return }
        let source = RTPSplice.Source(origin: stream.origin, ssrc: header.ssrc)
        guard
            let place = peer.splice.next(
                source, sequence: header.sequence, timestamp: header.timestamp, isEvent: isEvent,
                clockRate: peer.terms.codec.clockRate,
                now: loop.now)
        else { return }
        var outgoing = header
        outgoing.payloadType = type
        outgoing.ssrc = peer.splice.ssrc
        outgoing.marker = header.marker || (place.begins && !isEvent)
        (outgoing.sequence, outgoing.timestamp) = (place.sequence, place.timestamp)
        var packet = bytes.mutableSpan
        if stream.way == .converted, !isEvent, let law = stream.law { law.convert(&packet, header.payload) }
        let range = outgoing.write(into: &packet)
        send(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(bytes)[range]), of: peer, to: target)
    }

    /// Sends one packet; one that the system does not take is lost like any other on the way.
    func send(_ bytes: UnsafeRawBufferPointer, of stream: MediaStream, to target: SocketAddress) {
        stream.sound.send(bytes, to: target)
        stream.packetsSent += 1
        stream.bytesSent += bytes.count
    }
}
