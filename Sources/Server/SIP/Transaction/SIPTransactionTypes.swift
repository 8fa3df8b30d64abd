import NetworkTypes

/// The name of a transaction; no name is given twice.
package struct SIPTransactionID: Hashable, Sendable {
    let slot: UInt32
    let generation: UInt32
}

/// A request that is to be sent: all but Via, Content-Type and Content-Length, which are added when it leaves.
package struct SIPRequestDraft: Sendable {
    /// A token.
    package var method: String
    package var uri: SIPURI
    /// Whole header lines, each ended by CRLF: From, To, Call-ID, CSeq, Max-Forwards, Contact, Route.
    package var fields: [UInt8]
    package var contentType: String?
    package var body: [UInt8]

    package init(method: String, uri: SIPURI, fields: [UInt8], contentType: String? = nil, body: [UInt8] = []) {
        self.method = method
        self.uri = uri
        self.fields = fields
        self.contentType = contentType
        self.body = body
    }
}

/// Times and bounds of the transactions (RFC 3261 table 4; sip.md "Limits").
package struct SIPTransactionSettings: Sendable {
    package var t1 = Duration.milliseconds(500)
    package var t2 = Duration.seconds(4)
    package var t4 = Duration.seconds(5)
    /// After how long an INVITE that nobody has answered gets its 100.
    package var tryingDelay = Duration.milliseconds(200)
    /// Transactions that one source may have open before it has proved itself.
    package var perStranger = 64
    package var total = 20_000

    package init() {}

    /// B, F, H, J, L, M.
    var patience: Duration { t1 * 64 }
}

package enum SIPTransactionFailure: Sendable, Equatable {
    /// Nobody answered (timers B, F).
    case timeout
    /// It could not be sent.
    case transport
    /// Our final answer was never acknowledged (timer H).
    case noACK
}

/// What transactions have to say: to the wire, and to those whose they are.
package enum SIPTransactionOutput {
    case send([UInt8], SIPFlow)
    /// A new request; never ACK, never CANCEL.
    case request(SIPMessage, SIPTransactionID, SIPFlow)
    /// The peer takes its INVITE back; its CANCEL is answered, the INVITE is the owner's to answer with 487.
    case cancelled(SIPTransactionID, owner: UInt64)
    /// ACK for a final answer that was no 2xx.
    case acknowledged(SIPTransactionID, owner: UInt64)
    /// ACK for a 2xx: it belongs to a dialog.
    case ack(SIPMessage, SIPFlow)
    /// Provisional or final; of INVITE each repetition of a 2xx.
    case response(SIPMessage, SIPTransactionID, owner: UInt64)
    /// 2xx of INVITE for a transaction that is gone.
    case strayResponse(SIPMessage, SIPFlow)
    case failed(SIPTransactionID, owner: UInt64, SIPTransactionFailure)
    /// Forgotten; the last word of every transaction that somebody owns.
    case ended(SIPTransactionID, owner: UInt64)
}

/// The branch of our requests: shard, transaction and chance in hexadecimal digits behind the cookie, so that an answer is brought to its
/// transaction by a look at it. What fits by its digits is compared byte by byte before it is believed.
enum SIPBranch {
    private static let cookie = Array("z9hG4bK".utf8)
    private static let length = 7 + 2 + 8 + 8 + 16

    static func written(shard: UInt8, _ id: SIPTransactionID, chance: UInt64) -> [UInt8] {
        var branch = cookie
        branch.reserveCapacity(length)
        HexDigits.append(UInt64(shard), count: 2, to: &branch)
        HexDigits.append(UInt64(id.slot), count: 8, to: &branch)
        HexDigits.append(UInt64(id.generation), count: 8, to: &branch)
        HexDigits.append(chance, count: 16, to: &branch)
        return branch
    }

    static func transaction(in branch: ArraySlice<UInt8>, shard: UInt8) -> SIPTransactionID? {
        guard branch.count == length, HexDigits.number(branch.dropFirst(7).prefix(2)) == UInt32(shard),
            let slot = HexDigits.number(branch.dropFirst(9).prefix(8)),
            let generation = HexDigits.number(branch.dropFirst(17).prefix(8))
        else { return nil }
        return SIPTransactionID(slot: slot, generation: generation)
    }
}

/// Numbers as upper-case hexadecimal digits of a fixed width.
enum HexDigits {
    static func append(_ value: UInt64, count: Int, to bytes: inout [UInt8]) {
        for place in (0..<count).reversed() {
            bytes.append(.hexDigit(UInt8(truncatingIfNeeded: value >> UInt64(place * 4)) & 15))
        }
    }

    /// Of at most eight digits; nil where one is none.
    static func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        var number: UInt32 = 0
        for digit in digits {
            guard let value = digit.hexValue else { return nil }
            number = number << 4 | UInt32(value)
        }
        return number
    }
}
