/// One value of Via (RFC 3261 §20.42).
package struct SIPVia: Sendable {
    let bytes: [UInt8]
    let shape: ViaShape

    package var written: ArraySlice<UInt8> { bytes[shape.whole.range] }
    /// `UDP`, `TCP`, `TLS`, `WS`, or a name nobody knows.
    package var transport: ArraySlice<UInt8> { bytes[shape.transport.range] }
    package var host: ArraySlice<UInt8> { bytes[shape.host.range] }
    package var port: UInt16? { shape.port }
    package var branch: ArraySlice<UInt8>? { shape.branch.map { bytes[$0.range] } }
    /// What the sender wrote; never an address to send to, unless we wrote it.
    package var received: ArraySlice<UInt8>? { shape.received.map { bytes[$0.range] } }
    /// Whether the answer is to go to the source port (RFC 3581 §4).
    package var hasRport: Bool { shape.hasRport }
    package var rport: UInt16? { shape.rport }
    package var parameters: SIPParameters { SIPParameters(bytes: bytes, range: shape.parameters.range) }

    /// Whether the branch is unique by RFC 3261 §8.1.1.7: it begins with the cookie, and there is more of it. Else a transaction is
    /// matched as by RFC 2543 (§17.2.3).
    package var hasMagicCookie: Bool {
        guard let branch, branch.count > 7 else { return false }
        return branch.prefix(7).equals(ignoringCase: "z9hg4bk")
    }
}
