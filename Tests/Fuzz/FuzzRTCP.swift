// Compiled into one module with the readers' own files by scripts/fuzz.sh; no target of the package.

/// Any bytes as RTCP.
///
/// Holds that reading never traps and makes nothing up, and that what we write of what was read is understood.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzRTCP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let news = RTCPNews(bytes.span, about: 0x0102_0304) else { return 0 }
    precondition(bytes.count >= 4 && bytes.count % 4 == 0, "whole words")
    _ = news.roundTrip(at: 0x8000_0000)
    let block = news.aboutUs.map {
        RTCPWriter.Receiving(
            ssrc: 0x0102_0304, fractionLost: $0.fractionLost, lost: $0.lost, highest: 1, jitter: $0.jitter,
            lastReport: $0.lastReport,
            delay: $0.delay)
    }
    let sending = news.senderReport.map { RTCPWriter.Sending(time: UInt64($0) << 16, timestamp: 1, packets: 2, bytes: 3) }
    let written = RTCPWriter(ssrc: 5, name: Array(bytes.prefix(300))).packet(
        sending: sending, receiving: block, isGoodbye: news.isGoodbye)
    precondition(RTCPNews(written.span, about: 0x0102_0304) == news, "what we write is understood")
    return 0
}
