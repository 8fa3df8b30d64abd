/// How much of what a message may hold; one more is refused, never grown for.
package struct SIPLimits: Sendable {
    /// Start line and headers together, with the empty line.
    package var headByteCount = 16 << 10
    package var bodyByteCount = 64 << 10
    /// One header with all its folds.
    package var lineByteCount = 8 << 10
    package var headerCount = 96
    package var viaCount = 70
    /// Parameters of one URI.
    package var uriParameterCount = 32

    package init() {}

    /// The defaults; the standard has none (RFC 3261 §21.5.14 leaves 513 to the server).
    package static var standard: SIPLimits { SIPLimits() }
}
