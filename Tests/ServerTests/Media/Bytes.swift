@testable import Media

/// Reading from whole arrays: a `Span` cannot be handed to the macros of tests.
extension RTPHeader {
    init?(of packet: [UInt8]) { self.init(packet.span) }
}

extension RTCPNews {
    init?(of packet: [UInt8], about ssrc: UInt32) { self.init(packet.span, about: ssrc) }
}

extension TelephoneEvent {
    init?(of packet: [UInt8], _ place: Range<Int>) { self.init(packet.span, place) }
}
