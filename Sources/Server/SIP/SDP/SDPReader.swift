import NetworkTypes

extension SDP {
    /// Reads a description: strict in what it uses, patient with the rest. Lines may end with LF alone; unknown ones are passed over.
    package init(_ bytes: some Collection<UInt8>, limits: SDPLimits = SDPLimits()) throws(SDPError) {
        guard bytes.count <= limits.byteCount else { throw SDPError(.tooLong, at: limits.byteCount) }
        var reader = SDPReader(limits: limits)
        try reader.read(Array(bytes))
        self = reader.description
    }
}

/// Reads line by line.
private struct SDPReader {
    let limits: SDPLimits
    var description = SDP()
    private var attributes = 0
    private var hasVersion = false
    private var hasOrigin = false
    /// Where the line at hand begins.
    private var offset = 0

    init(limits: SDPLimits) { self.limits = limits }

    mutating func read(_ bytes: [UInt8]) throws(SDPError) {
        var start = 0
        while start < bytes.count {
            let end = bytes[start...].firstIndex(of: .lineFeed) ?? bytes.count
            var line = bytes[start..<end]
            if line.last == .carriageReturn { line = line.dropLast() }
            offset = start
            if !line.isEmpty { try take(line) }
            start = end + 1
        }
        guard hasVersion else { throw SDPError(.version) }
        guard hasOrigin else { throw SDPError(.origin) }
    }

    private mutating func take(_ line: ArraySlice<UInt8>) throws(SDPError) {
        guard let type = line.first, line.dropFirst().first == .equals, !line.contains(0) else {
            throw SDPError(.line, at: offset)
        }
        let value = line.dropFirst(2)
        if !hasVersion, type != 0x76 { throw SDPError(.version, at: offset) }
        switch type {
        case 0x76: try takeVersion(value)
        case 0x6F: try takeOrigin(value)
        case 0x63: try takeConnection(value)
        case 0x6D: try takeMedia(value)
        case 0x61: try takeAttribute(value)
        default: break
        }
    }

    private mutating func takeVersion(_ value: ArraySlice<UInt8>) throws(SDPError) {
        guard value.elementsEqual([0x30]), !hasVersion else { throw SDPError(.version, at: offset) }
        hasVersion = true
    }

    /// `- 53655765 1 IN IP4 192.0.2.1`: six words; what is in them is the peer's.
    private mutating func takeOrigin(_ value: ArraySlice<UInt8>) throws(SDPError) {
        let words = value.split(separator: .space)
        guard words.count == 6, !hasOrigin, words[1...2].allSatisfy({ $0.allSatisfy(\.isDigit) }) else {
            throw SDPError(.origin, at: offset)
        }
        hasOrigin = true
    }

    /// `IN IP4 192.0.2.1`, with a time to live and a count of addresses where it is multicast, which is no call.
    private mutating func takeConnection(_ value: ArraySlice<UInt8>) throws(SDPError) {
        let words = value.split(separator: .space)
        guard words.count == 3, words[0].equals(ignoringCase: "in") else { throw SDPError(.address, at: offset) }
        let isV6 = words[1].equals(ignoringCase: "ip6")
        guard isV6 || words[1].equals(ignoringCase: "ip4"), words[2].count <= 255 else { throw SDPError(.address, at: offset) }
        let text = String(decoding: words[2].prefix { $0 != .slash }, as: UTF8.self)
        let address = IPAddress(text)
        if let address, address.isV4 == isV6, !(isV6 && address.isV4) { throw SDPError(.address, at: offset) }
        // Who calls names one receiver. Packets for a group or a whole network are sent at nobody's word.
        guard address?.isOfMany != true else { throw SDPError(.address, at: offset) }
        // Digits and points that are no address were meant to be one.
        guard address != nil || text.utf8.contains(where: { !$0.isDigit && $0 != .dot && $0 != .colon }) else {
            throw SDPError(.address, at: offset)
        }
        let connection = SDP.Connection(address: address)
        if description.sections.isEmpty {
            description.connection = connection
        } else {
            lastSection { $0.connection = connection }
        }
    }

    private mutating func lastSection(_ change: (inout SDP.Section) -> Void) {
        change(&description.sections[description.sections.count - 1])
    }

    /// `audio 49170/2 RTP/AVP 8 0 101`.
    private mutating func takeMedia(_ value: ArraySlice<UInt8>) throws(SDPError) {
        guard description.sections.count < limits.sections else { throw SDPError(.tooManySections, at: offset) }
        let words = value.split(separator: .space)
        guard words.count >= 3, words[0].count <= 32, words[0].allSatisfy(\.isToken), words[2].count <= 64,
            words[2].allSatisfy({ $0.isToken || $0 == .slash })
        else { throw SDPError(.media, at: offset) }
        guard words.count - 3 <= limits.formats else { throw SDPError(.tooManyFormats, at: offset) }
        guard let port = number(words[1].prefix { $0 != .slash }), port <= 65_535 else { throw SDPError(.port, at: offset) }
        var section = SDP.Section(
            kind: String(decoding: words[0], as: UTF8.self).lowercased(), port: UInt16(port),
            transport: String(decoding: words[2], as: UTF8.self))
        for format in words.dropFirst(3) {
            guard format.count <= 64, format.allSatisfy({ $0.isToken || $0 == .slash }) else {
                throw SDPError(.media, at: offset)
            }
            section.formats.append(String(decoding: format, as: UTF8.self))
        }
        description.sections.append(section)
    }

    // MARK: Attributes

    private mutating func takeAttribute(_ value: ArraySlice<UInt8>) throws(SDPError) {
        attributes += 1
        guard attributes <= limits.attributes else { throw SDPError(.tooManyAttributes, at: offset) }
        let name = value.prefix { $0 != .colon }
        let rest = value.dropFirst(name.count + 1)
        if let direction = SDPDirection(rawValue: String(decoding: name.prefix(16), as: UTF8.self).lowercased()) {
            if description.sections.isEmpty {
                description.direction = direction
            } else {
                lastSection { $0.direction = direction }
            }
            return
        }
        guard !description.sections.isEmpty else { return }
        if name.equals(ignoringCase: "rtpmap") { takeMapping(rest) }
        if name.equals(ignoringCase: "ptime") {
            let milliseconds = number(rest.prefix { $0.isDigit }).map { Int($0) }
            lastSection { $0.packetMilliseconds = milliseconds == 0 ? nil : milliseconds }
        }
        if name.equals(ignoringCase: "rtcp-mux") { lastSection { $0.multiplexesRTCP = true } }
        if name.equals(ignoringCase: "rtcp") { takeRTCP(rest) }
    }

    /// `101 telephone-event/8000`, `96 opus/48000/2`. One that cannot be read maps nothing.
    private mutating func takeMapping(_ value: ArraySlice<UInt8>) {
        let words = value.split(separator: .space, maxSplits: 1)
        guard words.count == 2, let type = number(words[0]), type < 128 else { return }
        let parts = words[1].split(separator: .slash)
        guard parts.count == 2 || parts.count == 3, parts[0].count <= 32, parts[0].allSatisfy(\.isToken),
            let rate = number(parts[1].prefix { $0.isDigit }), rate > 0
        else { return }
        let channels = parts.count == 3 ? number(parts[2]).map { Int($0) } ?? 1 : 1
        let mapping = SDP.Mapping(
            payloadType: UInt8(type), name: String(decoding: parts[0], as: UTF8.self).lowercased(), clockRate: rate,
            channels: channels)
        lastSection { section in
            guard section.mappings.count < 64, !section.mappings.contains(where: { $0.payloadType == mapping.payloadType }) else {
                return
            }
            section.mappings.append(mapping)
        }
    }

    /// `53020`, `53020 IN IP4 192.0.2.1`.
    private mutating func takeRTCP(_ value: ArraySlice<UInt8>) {
        let words = value.split(separator: .space)
        guard let port = words.first.flatMap({ number($0) }), port > 0, port <= 65_535 else { return }
        let address = words.count == 4 ? IPAddress(String(decoding: words[3].prefix(64), as: UTF8.self)) : nil
        guard address?.isOfMany != true else { return }
        lastSection {
            $0.rtcpPort = UInt16(port)
            $0.rtcpAddress = address
        }
    }

    /// Digits, of a number below 2^32.
    private func number(_ digits: ArraySlice<UInt8>) -> UInt32? {
        guard !digits.isEmpty, digits.count <= 10, digits.allSatisfy(\.isDigit) else { return nil }
        let number = digits.reduce(UInt64(0)) { $0 * 10 + UInt64($1 - 0x30) }
        return UInt32(exactly: number)
    }
}

extension IPAddress {
    /// A multicast group, or every host of a network.
    fileprivate var isOfMany: Bool {
        isV4 ? low & 0xF000_0000 == 0xE000_0000 || low & 0xFFFF_FFFF == 0xFFFF_FFFF : high >> 56 == 0xFF
    }
}
