import Network

/// What we send of our own: sound and keys, one packet each 20 ms. One tick walks all streams that have some.
extension MediaLoop {
    private static let tick = Duration.milliseconds(20)
    /// How many ticks are made up for when the loop was late; what is older is left out.
    private static let maximumLateTicks: Int64 = 5

    // MARK: Commands

    func play(_ id: MediaStreamID, _ clip: AudioClip, rounds: Int?) {
        guard let stream = stream(id) else { return }
        guard !stream.isConfigured || stream.law != nil else {
            let codec = stream.terms.codec
            return tell(
                .playFailed(id, MediaError(.codec, "playing in \(codec)", hint: "only PCMA and PCMU can be played: offer those")))
        }
        stream.player = AudioPlayer(clip, rounds: rounds)
        stream.beginOwnSource()
        keepTicking(stream)
    }

    func stop(_ id: MediaStreamID) {
        guard let stream = stream(id) else { return }
        stream.player = nil
        if !stream.isBusy { stopTicking(stream) }
    }

    /// Sends keys as events where they were agreed on, else as tones.
    func send(_ codes: [UInt8], to id: MediaStreamID) {
        guard let stream = stream(id) else { return }
        guard stream.isConfigured, !codes.isEmpty else { return tell(.digitsSent(id)) }
        stream.tellsKeysSent = true
        guard stream.eventTypeOut == MediaStream.noType else {
            stream.keysOut.add(codes)
            return keepTicking(stream)
        }
        guard stream.law != nil else { return endKeys(stream) }
        addKeyTones(codes, to: stream)
    }

    func addKeyTones(_ codes: [UInt8], to stream: MediaStream) {
        for code in codes where stream.keyTones.count < MediaStream.maximumKeyTones {
            stream.keyTones.append(AudioPlayer(KeyTones.clips[Int(code & 15)], rounds: 1))
        }
        stream.beginOwnSource()
        keepTicking(stream)
    }

    // MARK: The tick

    func keepTicking(_ stream: MediaStream) {
        guard stream.isBusy, stream.isConfigured, !stream.isTicking else { return }
        stream.isTicking = true
        ticking.append(stream)
        guard tickTimer == nil else { return }
        tickDue = loop.now.advanced(by: Self.tick)
        scheduleTick()
    }

    func stopTicking(_ stream: MediaStream) {
        guard stream.isTicking else { return }
        stream.isTicking = false
        ticking.removeAll { $0 === stream }
    }

    private func scheduleTick() {
        let wait = (tickDue ?? loop.now).duration(since: loop.now)
        tickTimer = loop.schedule(after: wait) { [unowned self] in runTicks() }
    }

    private func runTicks() {
        tickTimer = nil
        let tick = Self.tick.clampedNanoseconds
        let due = tickDue ?? loop.now
        let late = max(0, loop.now.nanoseconds - due.nanoseconds) / tick
        for _ in 0...min(late, Self.maximumLateTicks) { runTick() }
        guard !ticking.isEmpty else { return }
        tickDue = MonotonicInstant(nanoseconds: due.nanoseconds + (late + 1) * tick)
        scheduleTick()
    }

    private func runTick() {
        for stream in ticking { sendOwn(stream) }
        ticking.removeAll { stream in
            stream.isTicking = stream.isBusy
            return !stream.isBusy
        }
    }

    private func sendOwn(_ stream: MediaStream) {
        if stream.keysOut.isActive {
            sendKey(stream)
        } else if !stream.keyTones.isEmpty {
            sendSound(stream, &stream.keyTones[0])
            if stream.keyTones[0].isOver { stream.keyTones.removeFirst() }
            if stream.keyTones.isEmpty { endKeys(stream) }
        } else if stream.player != nil {
            sendPlayed(stream)
        }
    }

    private func sendPlayed(_ stream: MediaStream) {
        guard var player = stream.player else { return }
        if !player.isOver { sendSound(stream, &player) }
        stream.player = player.isOver ? nil : player
        if player.isOver { tell(.played(stream.id)) }
    }

    private func endKeys(_ stream: MediaStream) {
        stream.beginOwnSource()
        if stream.tellsKeysSent { tell(.digitsSent(stream.id)) }
        stream.tellsKeysSent = false
    }

    // MARK: Packets

    /// Writes 20 ms of sound and sends them. Time goes on for the player also where nothing may be sent.
    private func sendSound(_ stream: MediaStream, _ player: inout AudioPlayer) {
        guard let law = stream.law else { return player = AudioPlayer(AudioClip(samples: []), rounds: 0) }
        var bytes = packet.mutableSpan
        player.write(into: &bytes, at: RTPHeader.byteCount, law: law)
        stream.ownTimestamp &+= UInt32(AudioClip.samplesAPacket)
        sendOwnPacket(stream, type: stream.terms.payloadTypeOut, payloadByteCount: AudioClip.samplesAPacket)
    }

    private func sendKey(_ stream: MediaStream) {
        if let step = stream.keysOut.next() {
            if step.begins {
                stream.beginOwnSource()
                stream.ownTimestamp &+= UInt32(AudioClip.samplesAPacket)
            }
            var bytes = packet.mutableSpan
            step.event.write(into: &bytes, at: RTPHeader.byteCount)
            sendOwnPacket(
                stream, type: stream.eventTypeOut, payloadByteCount: TelephoneEvent.byteCount, isEvent: true, marker: step.begins)
        }
        if !stream.keysOut.isActive { endKeys(stream) }
    }

    private func sendOwnPacket(
        _ stream: MediaStream, type: UInt8, payloadByteCount: Int, isEvent: Bool = false, marker: Bool = false
    ) {
        stream.ownSequence &+= 1
        let source = RTPSplice.Source(origin: stream.ownOrigin, ssrc: 0)
        guard let target = stream.target,
            let place = stream.splice.next(
                source, sequence: stream.ownSequence, timestamp: stream.ownTimestamp, isEvent: isEvent,
                clockRate: stream.terms.codec.clockRate, now: loop.now)
        else { return }
        let header = RTPHeader(
            payloadType: type, marker: marker || (place.begins && !isEvent), sequence: place.sequence, timestamp: place.timestamp,
            ssrc: stream.splice.ssrc, payloadByteCount: payloadByteCount)
        var bytes = packet.mutableSpan
        let range = header.write(into: &bytes)
        send(UnsafeRawBufferPointer(rebasing: UnsafeRawBufferPointer(packet)[range]), of: stream, to: target)
    }
}
