/// The headers we know by name.
///
/// At most 63, so that a set of them is one integer.
package enum SIPHeaderName: UInt8, Sendable, CaseIterable {
    case via
    case from
    case to
    case callID
    case cseq
    case maxForwards
    case contentLength
    case contentType
    case contact
    case route
    case recordRoute
    case expires
    case minExpires
    case require
    case proxyRequire
    case supported
    case unsupported
    case allow
    case allowEvents
    case accept
    case acceptEncoding
    case acceptLanguage
    case authorization
    case wwwAuthenticate
    case proxyAuthorization
    case proxyAuthenticate
    case authenticationInfo
    case alertInfo
    case callInfo
    case contentDisposition
    case contentEncoding
    case contentLanguage
    case date
    case diversion
    case event
    case historyInfo
    case mimeVersion
    case minSE
    case sessionExpires
    case assertedIdentity
    case preferredIdentity
    case remotePartyID
    case path
    case serviceRoute
    case privacy
    case rack
    case rseq
    case reason
    case referTo
    case referredBy
    case referSub
    case replaces
    case retryAfter
    case server
    case userAgent
    case subject
    case subscriptionState
    case timestamp
    case warning
    case priority
    case replyTo
    case answerMode
    case flowTimer

    /// The name as we write it.
    package var spelling: StaticString {
        switch self {
        case .via: "Via"
        case .from: "From"
        case .to: "To"
        case .callID: "Call-ID"
        case .cseq: "CSeq"
        case .maxForwards: "Max-Forwards"
        case .contentLength: "Content-Length"
        case .contentType: "Content-Type"
        case .contact: "Contact"
        case .route: "Route"
        case .recordRoute: "Record-Route"
        case .expires: "Expires"
        case .minExpires: "Min-Expires"
        case .require: "Require"
        case .proxyRequire: "Proxy-Require"
        case .supported: "Supported"
        case .unsupported: "Unsupported"
        case .allow: "Allow"
        case .allowEvents: "Allow-Events"
        case .accept: "Accept"
        case .acceptEncoding: "Accept-Encoding"
        case .acceptLanguage: "Accept-Language"
        case .authorization: "Authorization"
        case .wwwAuthenticate: "WWW-Authenticate"
        case .proxyAuthorization: "Proxy-Authorization"
        case .proxyAuthenticate: "Proxy-Authenticate"
        case .authenticationInfo: "Authentication-Info"
        case .alertInfo: "Alert-Info"
        case .callInfo: "Call-Info"
        case .contentDisposition: "Content-Disposition"
        case .contentEncoding: "Content-Encoding"
        case .contentLanguage: "Content-Language"
        case .date: "Date"
        case .diversion: "Diversion"
        case .event: "Event"
        case .historyInfo: "History-Info"
        case .mimeVersion: "MIME-Version"
        case .minSE: "Min-SE"
        case .sessionExpires: "Session-Expires"
        case .assertedIdentity: "P-Asserted-Identity"
        case .preferredIdentity: "P-Preferred-Identity"
        case .remotePartyID: "Remote-Party-ID"
        case .path: "Path"
        case .serviceRoute: "Service-Route"
        case .privacy: "Privacy"
        case .rack: "RAck"
        case .rseq: "RSeq"
        case .reason: "Reason"
        case .referTo: "Refer-To"
        case .referredBy: "Referred-By"
        case .referSub: "Refer-Sub"
        case .replaces: "Replaces"
        case .retryAfter: "Retry-After"
        case .server: "Server"
        case .userAgent: "User-Agent"
        case .subject: "Subject"
        case .subscriptionState: "Subscription-State"
        case .timestamp: "Timestamp"
        case .warning: "Warning"
        case .priority: "Priority"
        case .replyTo: "Reply-To"
        case .answerMode: "Answer-Mode"
        case .flowTimer: "Flow-Timer"
        }
    }

    /// The one-letter form (RFC 3261 §7.3.3 and the extensions that add one).
    var compactForm: Character? {
        switch self {
        case .via: "v"
        case .from: "f"
        case .to: "t"
        case .callID: "i"
        case .contentLength: "l"
        case .contentType: "c"
        case .contentEncoding: "e"
        case .contact: "m"
        case .supported: "k"
        case .subject: "s"
        case .allowEvents: "u"
        case .event: "o"
        case .referTo: "r"
        case .referredBy: "b"
        case .sessionExpires: "x"
        default: nil
        }
    }

    /// Whether the parser looks at the value while it reads the head: the first ones of the list.
    @inline(__always)
    var isReadAtOnce: Bool { rawValue <= Self.contentType.rawValue }

    /// Of these a message has one at most, and one value in it; a second is refused rather than overheard (RFC 4475 §3.3.8).
    var isSingle: Bool {
        switch self {
        case .from, .to, .callID, .cseq, .maxForwards, .contentLength, .contentType: true
        default: false
        }
    }
}

/// A set of known headers.
struct SIPHeaderSet: Sendable {
    private var bits: UInt64 = 0

    init(_ names: SIPHeaderName...) {
        for name in names { insert(name) }
    }

    /// What no message may lack (RFC 3261 §8.1.1). Max-Forwards may be missing: RFC 2543 did without.
    static let mandatory = SIPHeaderSet(.via, .from, .to, .callID, .cseq)

    func isSuperset(of other: SIPHeaderSet) -> Bool { other.bits & ~bits == 0 }
    func contains(_ name: SIPHeaderName) -> Bool { bits >> UInt64(name.rawValue) & 1 == 1 }
    mutating func insert(_ name: SIPHeaderName) { bits |= 1 << UInt64(name.rawValue) }
}

/// Finds a header by its name: three words compared, after one look in an open-addressed table.
struct SIPHeaderTable: Sendable {
    /// A name of at most 24 bytes in lower case, zeros behind it.
    private struct Key: Equatable {
        var first: UInt64 = 0
        var second: UInt64 = 0
        var third: UInt64 = 0

        var slot: Int { Int(truncatingIfNeeded: (first ^ second ^ third) &* 0x9E37_79B9_7F4A_7C15 >> 56) & 255 }
    }

    private struct Entry {
        var key = Key()
        var name: SIPHeaderName?
    }

    private var entries = [Entry](repeating: Entry(), count: 256)
    /// Known names and one-letter forms together are far fewer than the slots, so a search always meets an empty one.
    private static let caseBits: UInt64 = 0x2020_2020_2020_2020

    static let shared = SIPHeaderTable()

    private init() {
        for name in SIPHeaderName.allCases {
            insert(name, under: name.spelling.description)
            if let letter = name.compactForm { insert(name, under: String(letter)) }
        }
    }

    private mutating func insert(_ name: SIPHeaderName, under text: String) {
        let bytes = Array(text.utf8)
        let key = Self.key(bytes.span, 0..<bytes.count)
        var slot = key.slot
        while entries[slot].name != nil { slot = (slot + 1) & 255 }
        entries[slot] = Entry(key: key, name: name)
    }

    /// The header of that name, whatever its case; nil for a name that is none of ours.
    ///
    /// Folding the case by one bit would take CR for a hyphen; a name never holds a control byte.
    func find(_ bytes: Span<UInt8>, _ name: Range<Int>) -> SIPHeaderName? {
        guard (1...24).contains(name.count) else { return nil }
        let key = Self.key(bytes, name)
        var slot = key.slot
        while true {
            let entry = entries[slot]
            if entry.key == key || entry.name == nil { return entry.name }
            slot = (slot + 1) & 255
        }
    }

    @inline(__always)
    private static func key(_ bytes: Span<UInt8>, _ name: Range<Int>) -> Key {
        var key = Key()
        key.first = word(bytes, name.lowerBound, min(8, name.count))
        if name.count > 8 { key.second = word(bytes, name.lowerBound + 8, min(8, name.count - 8)) }
        if name.count > 16 { key.third = word(bytes, name.lowerBound + 16, name.count - 16) }
        return key
    }

    /// `count` bytes, 1 to 8, in lower case.
    @inline(__always)
    private static func word(_ bytes: Span<UInt8>, _ start: Int, _ count: Int) -> UInt64 {
        let kept = UInt64.max >> UInt64(64 - 8 * count)
        if let word = EightBytes.load(bytes, at: start) { return (word | caseBits) & kept }
        var word: UInt64 = 0
        for index in 0..<count { word |= UInt64(bytes[start + index]) << UInt64(8 * index) }
        return (word | caseBits) & kept
    }
}
