extension SIPMessage {
    /// Whether there is such a header.
    package func has(_ name: SIPHeaderName) -> Bool { core.seen.contains(name) }

    /// The value of the first header of that name, as written, folds and all.
    package func value(_ name: SIPHeaderName) -> ArraySlice<UInt8>? {
        guard has(name) else { return nil }
        return fields.first { $0.name == name }.map { bytes[$0.valueRange] }
    }

    /// The value of the first header of a name that is not among ours; `name` is written in lower case.
    package func value(ofOther name: StaticString) -> ArraySlice<UInt8>? {
        fields.first { $0.name == nil && bytes[$0.nameRange].equals(ignoringCase: name) }.map { bytes[$0.valueRange] }
    }

    /// Every header in order, with its name as it was written.
    package var headers: [(name: ArraySlice<UInt8>, value: ArraySlice<UInt8>)] {
        fields.map { (bytes[$0.nameRange], bytes[$0.valueRange]) }
    }

    func ranges(_ name: SIPHeaderName) -> [Range<Int>] {
        guard has(name) else { return [] }
        return fields.compactMap { $0.name == name ? $0.valueRange : nil }
    }

    // MARK: Addresses

    /// - Throws: `.address`, `.uri`, `.tooManyParameters`: the parser looked at its outline and its tag only.
    package func from() throws(SIPParseError) -> SIPNameAddress { try address(.from) }
    package func to() throws(SIPParseError) -> SIPNameAddress { try address(.to) }

    /// The one address of a header that has one: From, To, Refer-To, Referred-By.
    package func address(_ name: SIPHeaderName) throws(SIPParseError) -> SIPNameAddress {
        let all = try addresses(name, limit: 1)
        guard let address = all.first else { throw SIPParseError(.missingHeader, at: 0) }
        return address
    }

    /// All addresses of the headers of that name, in order: Contact, Route, Record-Route, Path, Diversion.
    /// - Throws: `.list` at the first that is more than `limit`.
    package func addresses(_ name: SIPHeaderName, limit: Int = 96) throws(SIPParseError) -> [SIPNameAddress] {
        let bytes = bytes
        var found: [SIPNameAddress] = []
        for range in ranges(name) {
            var cursor = ByteCursor(range)
            repeat {
                let shape = try AddressShape(&cursor, bytes.span)
                guard found.count < limit else { throw SIPParseError(.list, at: shape.uri.start) }
                found.append(try SIPNameAddress(bytes: bytes, shape: shape, limits: limits))
            } while cursor.takeSeparator(.comma, bytes.span)
            guard cursor.isAtEnd else { throw SIPParseError(.address, at: cursor.position) }
        }
        return found
    }

    /// Whether Contact is the one `*` of a REGISTER that removes all bindings (RFC 3261 §10.2.2).
    package var hasStarContact: Bool { value(.contact).map { $0.elementsEqual([0x2A]) } ?? false }

    /// All Via values, topmost first. The parser has read each of them.
    package var vias: [SIPVia] {
        let bytes = bytes
        var found: [SIPVia] = []
        for range in ranges(.via) {
            var cursor = ByteCursor(range)
            repeat {
                guard let shape = try? ViaShape(&cursor, bytes.span) else { return found }
                found.append(SIPVia(bytes: bytes, shape: shape))
            } while cursor.takeSeparator(.comma, bytes.span)
        }
        return found
    }

    // MARK: Lists, numbers, credentials

    /// The values of headers whose values commas part, in order, as written: Require, Supported, Allow, Accept.
    ///
    /// Commas in quoted strings part nothing. An empty header has no values; an empty value between commas is skipped, as common
    /// practice has it.
    package func list(_ name: SIPHeaderName) throws(SIPParseError) -> [ArraySlice<UInt8>] {
        let bytes = bytes
        var found: [ArraySlice<UInt8>] = []
        for range in ranges(name) {
            var cursor = ByteCursor(range)
            repeat {
                let start = cursor.position
                while let byte = cursor.peek(bytes.span), byte != .comma {
                    if byte == .quote { _ = try cursor.quotedString(bytes.span) } else { _ = cursor.take(byte, bytes.span) }
                }
                let value = bytes.span.trimmed(start..<cursor.position)
                if !value.isEmpty { found.append(bytes[value]) }
            } while cursor.take(.comma, bytes.span)
        }
        return found
    }

    /// Seconds, or another number below 2^32, before any parameter: Expires, Min-Expires, Min-SE, Session-Expires, RSeq.
    ///
    /// A greater one is the greatest (RFC 3261 §20.19 leaves it to us); anything else is nil, as if the header were missing.
    package func number(_ name: SIPHeaderName) -> UInt32? {
        guard let value = value(name) else { return nil }
        let digits = value.prefix { $0.isDigit }
        let next = value.dropFirst(digits.count).first ?? .space
        guard !digits.isEmpty, next.isLinearSpace || next == .semicolon || next == .leftParenthesis else { return nil }
        return digits.reduce(UInt32(0)) { number, digit in
            let (times, isTooGreat) = number.multipliedReportingOverflow(by: 10)
            let (sum, isStillTooGreat) = times.addingReportingOverflow(UInt32(digit - 0x30))
            return isTooGreat || isStillTooGreat ? .max : sum
        }
    }

    /// The challenges or credentials of that header, one from each.
    package func credentials(_ name: SIPHeaderName) throws(SIPParseError) -> [SIPCredentials] {
        var found: [SIPCredentials] = []
        for range in ranges(name) { found.append(try SIPCredentials(bytes: bytes, range: range)) }
        return found
    }

    /// The media type of the body in lower case without parameters, `application/sdp`; nil where it is missing or none.
    package var contentType: [UInt8]? {
        let bytes = bytes
        guard let field = fields.first(where: { $0.name == .contentType }) else { return nil }
        var cursor = ByteCursor(field.valueRange)
        let type = cursor.run(of: .token, bytes.span)
        guard !type.isEmpty, cursor.takeSeparator(.slash, bytes.span) else { return nil }
        let subtype = cursor.run(of: .token, bytes.span)
        guard !subtype.isEmpty else { return nil }
        return (bytes[type] + [.slash] + bytes[subtype]).map(\.asciiLowercased)
    }

    /// Parameters behind the first value of a header that is no address: Content-Type, Event, Session-Expires, Replaces.
    package func parameters(_ name: SIPHeaderName) -> SIPParameters? {
        let bytes = bytes
        guard let field = fields.first(where: { $0.name == name }) else { return nil }
        var cursor = ByteCursor(field.valueRange)
        _ = cursor.run(bytes.span) { $0 == .semicolon }
        return SIPParameters(bytes: bytes, range: cursor.position..<cursor.end)
    }
}
