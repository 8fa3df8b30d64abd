/// A tone that a telephone network makes, in its rhythm. The Russian ones have 425 Hz each (national practice; ITU-T E.180).
package enum Tone: String, Hashable, Sendable, CaseIterable {
    /// 1 s of tone, 4 s without: it rings over there.
    case ringback
    /// 0.35 s of tone, 0.35 s without.
    case busy
    /// 0.175 s of tone, 0.175 s without: there is no way.
    case congestion
    /// One short tone of 1,000 Hz: speak now.
    case beep
    /// The generic ring of North America: 440 and 480 Hz, 2 s and 4 s without.
    case ringbackNorthAmerica
    /// 480 and 620 Hz, 0.5 s and 0.5 s without.
    case busyNorthAmerica
    /// 480 and 620 Hz, 0.25 s and 0.25 s without.
    case congestionNorthAmerica
}
