import Network

/// RTCP both ways, and the watch for streams that nothing comes from.
extension MediaLoop {
    /// All streams are looked at once a second, a tenth of them at a time.
    private static let watchInterval = Duration.milliseconds(100)
    private static let watchPhases = 10

    // MARK: Received

    func receiveReport(_ stream: MediaStream) {
        guard case .datagram(let count, let source) = stream.reports.receive(into: UnsafeMutableRawBufferPointer(packet)),
            stream.isConfigured
        else { return }
        takeReport(stream, UnsafeMutableBufferPointer(rebasing: packet[..<count]).span, from: source)
    }

    /// Takes a report from the host that the sound comes from; ours then go to where it came from.
    func takeReport(_ stream: MediaStream, _ packet: Span<UInt8>, from source: SocketAddress) {
        guard source == stream.reportTarget || source.ip == stream.latch.address?.ip,
            let news = RTCPNews(packet, about: stream.splice.ssrc)
        else {
            stream.refused += 1
            return
        }
        if stream.latch.rank != .none { stream.reportTarget = source }
        if let time = news.senderReport { (stream.lastSenderReport, stream.lastSenderReportAt) = (time, loop.now) }
        if let block = news.aboutUs { (stream.remoteLost, stream.remoteJitter) = (max(0, block.lost), block.jitter) }
        if let trip = news.roundTrip(at: RTCPWriter.middle(of: networkTime)) { stream.roundTrip = trip }
        if news.isGoodbye, !stream.isGone {
            stream.isGone = true
            tell(.goodbye(stream.id))
        }
    }

    // MARK: Sent

    private var networkTime: UInt64 { RTCPWriter.networkTime(ofNanoseconds: loop.wallClockNanoseconds) }

    func sendReport(of stream: MediaStream, isGoodbye: Bool = false) {
        guard stream.isConfigured, stream.packetsSent > 0 || stream.receiver.received > 0, let target = stream.reportTarget else {
            return
        }
        let bytes = stream.reporter.packet(sending: sending(stream), receiving: receiving(stream), isGoodbye: isGoodbye)
        stream.packetsSentAtReport = stream.packetsSent
        bytes.withUnsafeBytes { _ = stream.reports.send($0, to: target) }
    }

    private func sending(_ stream: MediaStream) -> RTCPWriter.Sending? {
        guard stream.packetsSent > stream.packetsSentAtReport else { return nil }
        return RTCPWriter.Sending(
            time: networkTime, timestamp: stream.splice.timestamp(at: loop.now, clockRate: stream.terms.codec.clockRate),
            packets: UInt32(truncatingIfNeeded: stream.packetsSent),
            bytes: UInt32(truncatingIfNeeded: stream.bytesSent - stream.packetsSent * RTPHeader.byteCount))
    }

    private func receiving(_ stream: MediaStream) -> RTCPWriter.Receiving? {
        guard let ssrc = stream.receiver.ssrc else { return nil }
        let report = stream.receiver.report()
        let delay = stream.lastSenderReportAt.map { RTPSequence.ticks(loop.now.duration(since: $0), clockRate: 65_536) }
        return RTCPWriter.Receiving(
            ssrc: ssrc, fractionLost: report.fractionLost, lost: report.lost, highest: report.highest, jitter: report.jitter,
            lastReport: stream.lastSenderReport, delay: delay ?? 0)
    }

    // MARK: The watch

    func keepWatching() {
        guard watchTimer == nil, count > 0 else { return }
        watchTimer = loop.schedule(after: Self.watchInterval) { [unowned self] in watch() }
    }

    private func watch() {
        watchTimer = nil
        watchPhase = (watchPhase + 1) % Self.watchPhases
        for index in stride(from: watchPhase, to: streams.count, by: Self.watchPhases) {
            if let stream = streams[index], stream.isConfigured { look(at: stream) }
        }
        keepWatching()
    }

    private func look(at stream: MediaStream) {
        if stream.nextReport <= loop.now {
            sendReport(of: stream)
            stream.nextReport = loop.now.advanced(by: nextInterval())
        }
        guard stream.terms.mayReceive, stream.terms.remote != nil else { return }
        let silence = loop.now.duration(since: stream.heardAt)
        guard silence >= settings.silence * (stream.silencesTold + 1) else { return }
        stream.silencesTold += 1
        tell(.silent(stream.id, seconds: Int(silence.components.seconds)))
    }

    /// Half to one and a half of the interval, so that reports of many do not come together (RFC 3550 §6.2).
    private func nextInterval() -> Duration {
        let nanoseconds = settings.reportInterval.clampedNanoseconds
        return .nanoseconds(Int64.random(in: nanoseconds / 2...max(nanoseconds / 2, nanoseconds * 3 / 2)))
    }
}
