/// Reads messages, one after another, with a table of headers that it keeps between them (RFC 3261 §7, §25.1).
///
/// Strict where two readers could understand differently, since the next one may be a carrier: a lone CR or LF, control bytes, a
/// second Call-ID are refused. One pass over the lines; each value that is read at once is passed a second time. One for each loop.
package struct SIPParser: ~Copyable {
    package let limits: SIPLimits
    private let names = SIPHeaderTable.shared
    private var table: [SIPField]
    private var fieldCount = 0
    private var core = SIPMessageCore()
    private var objection: SIPParseError?
    /// How many bytes the scanners of lines and values were handed in all: what a test holds against the length of the input.
    package private(set) var bytesExamined = 0

    package init(limits: SIPLimits = .standard) {
        var limits = limits
        // The table has 16 bits for a length.
        limits.lineByteCount = min(limits.lineByteCount, Int(UInt16.max))
        self.limits = limits
        let empty = SIPField(nameStart: 0, valueStart: 0, nameLength: 0, valueLength: 0, name: nil)
        table = Array(repeating: empty, count: max(1, limits.headerCount))
    }

    /// Reads what one datagram holds (RFC 3261 §18.3): bytes behind Content-Length are ignored, too few are an error, and without
    /// Content-Length the body is the rest.
    package mutating func parse(datagram bytes: Span<UInt8>) throws(SIPRefusal) -> SIPDatagram {
        guard !bytes.isEmpty else { throw SIPRefusal(error: SIPParseError(.empty, at: 0), request: nil) }
        if SIPDatagram.isSTUN(bytes) { return .stun }
        let start = Self.endOfEmptyLines(bytes)
        if start == bytes.count { return .keepAlive }
        let head = readHead(bytes, from: start)
        if let head { setBody(bytes, from: head, to: core.contentLength.map { head + $0 } ?? bytes.count) }
        return .message(try conclude(bytes))
    }

    /// Reads a message that `SIPStreamFramer` has found the ends of.
    mutating func parse(framed bytes: Span<UInt8>) throws(SIPRefusal) -> SIPMessage {
        if let head = readHead(bytes, from: 0) { setBody(bytes, from: head, to: bytes.count) }
        return try conclude(bytes)
    }

    /// Reads a head alone. What is wrong with it stays for `conclude` to tell.
    /// - Returns: what Content-Length says; nil where it is missing or not to be trusted, so that no end can be told.
    mutating func contentLength(ofHead bytes: Span<UInt8>) -> Int? {
        guard readHead(bytes, from: 0) != nil else { return nil }
        switch objection?.code {
        case .contentLength, .notSIP, .lineEnd, .controlByte, .headerName: return nil
        case .repeatedHeader where objection?.offset == contentLengthConflict: return nil
        default: return core.contentLength
        }
    }

    /// Where a second Content-Length stands.
    private var contentLengthConflict: Int?

    /// Gives what was read.
    /// - Parameter fault: why no end of the message was found, where nothing worse was seen in the head.
    mutating func conclude(_ bytes: Span<UInt8>, fault: SIPParseError.Code? = nil) throws(SIPRefusal) -> SIPMessage {
        if let fault, objection == nil || objection?.code == .truncated { objection = SIPParseError(fault, at: bytes.count) }
        if objection == nil { checkWhole(bytes) }
        guard let objection else { return message(bytes) }
        throw SIPRefusal(error: objection, request: deservesAnswer ? message(bytes) : nil)
    }

    private var deservesAnswer: Bool {
        core.isRequest && core.method != .ack && core.seen.contains(.via)
    }

    private func message(_ bytes: Span<UInt8>) -> SIPMessage {
        let copy = [UInt8](unsafeUninitializedCapacity: bytes.count) { target, count in
            bytes.withUnsafeBufferPointer { count = target.initialize(fromContentsOf: $0) }
        }
        return SIPMessage(bytes: copy, fields: Array(table[0..<fieldCount]), core: core, limits: limits)
    }

    /// Keeps the first fault, which is what the answer names; reading goes on, since the answer needs the other headers.
    private mutating func note(_ error: SIPParseError) {
        if objection == nil { objection = error }
    }

    private mutating func setBody(_ bytes: Span<UInt8>, from start: Int, to end: Int) {
        guard end <= bytes.count else { return note(SIPParseError(.contentLength, at: start)) }
        guard end - start <= limits.bodyByteCount else { return note(SIPParseError(.bodyTooLarge, at: start)) }
        core.body = ByteRange(start..<end)
    }

    /// Empty lines before a start line are skipped (RFC 3261 §7.5).
    static func endOfEmptyLines(_ bytes: Span<UInt8>) -> Int {
        var position = 0
        while position + 1 < bytes.count, bytes[position] == .carriageReturn, bytes[position + 1] == .lineFeed { position += 2 }
        return position
    }

    // MARK: Lines

    /// Reads start line and headers.
    /// - Returns: where the body begins; nil where the end of the head was not found.
    private mutating func readHead(_ bytes: Span<UInt8>, from start: Int) -> Int? {
        core = SIPMessageCore()
        objection = nil
        fieldCount = 0
        contentLengthConflict = nil
        do {
            let next = try readStartLine(bytes, from: start)
            return readFields(bytes, from: next, start: start)
        } catch {
            note(error)
            return nil
        }
    }

    private mutating func readFields(_ bytes: Span<UInt8>, from first: Int, start: Int) -> Int? {
        var position = first
        while position < bytes.count {
            guard position - start < limits.headByteCount else {
                note(SIPParseError(.headTooLarge, at: position))
                return nil
            }
            if bytes[position] == .carriageReturn, position + 1 < bytes.count, bytes[position + 1] == .lineFeed {
                return position + 2
            }
            do {
                position = try readField(bytes, at: position)
            } catch {
                note(error)
                if error.code == .tooManyHeaders { return nil }
                position = nextLine(bytes, after: error.offset)
            }
        }
        note(SIPParseError(.truncated, at: position))
        return nil
    }

    /// Behind a line that could not be read, with its folds.
    private mutating func nextLine(_ bytes: Span<UInt8>, after start: Int) -> Int {
        var position = start
        while position < bytes.count {
            position += 1
            if bytes[position - 1] == .lineFeed, position == bytes.count || !bytes[position].isBlank { break }
        }
        bytesExamined += position - start
        return position
    }

    private mutating func readField(_ bytes: Span<UInt8>, at start: Int) throws(SIPParseError) -> Int {
        let end = try endOfLine(bytes, from: start)
        guard end - start <= limits.lineByteCount else { throw SIPParseError(.lineTooLong, at: end) }
        guard let colon = EightBytes.first(.colon, bytes, in: start..<end) else { throw SIPParseError(.headerName, at: start) }
        var nameEnd = colon
        while nameEnd > start, bytes[nameEnd - 1].isLinearSpace { nameEnd -= 1 }
        let known = names.find(bytes, start..<nameEnd)
        if known == nil { try checkToken(bytes, start..<nameEnd) }
        guard fieldCount < table.count else { throw SIPParseError(.tooManyHeaders, at: start) }
        let value = bytes.trimmed(colon + 1..<end)
        table[fieldCount] = SIPField(
            nameStart: UInt32(start), valueStart: UInt32(value.lowerBound), nameLength: UInt16(nameEnd - start),
            valueLength: UInt16(value.count), name: known)
        fieldCount += 1
        guard let known else { return end + 2 }
        if known.isReadAtOnce {
            do { try interpret(known, value, bytes, at: start) } catch { note(error) }
        } else {
            core.seen.insert(known)
        }
        return end + 2
    }

    /// The CR that ends a line and its folds (RFC 3261 §7.3.1).
    ///
    /// A byte below 0x20 is let through only behind a backslash, as in a quoted string (RFC 4475 §3.1.1.2).
    private mutating func endOfLine(_ bytes: Span<UInt8>, from start: Int) throws(SIPParseError) -> Int {
        var position = start
        defer { bytesExamined += position - start }
        while true {
            position = EightBytes.firstControl(bytes, from: position)
            guard position < bytes.count else { throw SIPParseError(.truncated, at: position) }
            switch bytes[position] {
            case .carriageReturn:
                guard position + 1 < bytes.count, bytes[position + 1] == .lineFeed else {
                    throw SIPParseError(.lineEnd, at: position)
                }
                guard position + 2 < bytes.count, bytes[position + 2].isBlank, position > start else { return position }
                position += 3
            case .lineFeed: throw SIPParseError(.lineEnd, at: position)
            case .tab: position += 1
            default:
                guard position > start, bytes[position - 1] == .backslash else { throw SIPParseError(.controlByte, at: position) }
                position += 1
            }
        }
    }

    private func checkToken(_ bytes: Span<UInt8>, _ range: Range<Int>) throws(SIPParseError) {
        guard !range.isEmpty else { throw SIPParseError(.headerName, at: range.lowerBound) }
        for index in range where !bytes[index].isToken { throw SIPParseError(.headerName, at: index) }
    }

    // MARK: Start line

    /// - Throws: `.notSIP` where the line ends with no version and starts with none, `.startLine` where its end is not found; any
    ///   other fault is noted, and the headers are read for the answer.
    private mutating func readStartLine(_ bytes: Span<UInt8>, from start: Int) throws(SIPParseError) -> Int {
        let end: Int
        do { end = try endOfLine(bytes, from: start) } catch { return try resumeAfterStartLine(bytes, start, error) }
        guard end - start <= limits.lineByteCount else { throw SIPParseError(.lineTooLong, at: end) }
        if end - start >= 4, bytes.equals(start..<start + 4, ignoringCase: "sip/") {
            try readStatusLine(bytes, start..<end)
        } else {
            try readRequestLine(bytes, start..<end)
        }
        return end + 2
    }

    /// A control byte in the start line: a request for all that, if it ends as one.
    private mutating func resumeAfterStartLine(
        _ bytes: Span<UInt8>, _ start: Int, _ error: SIPParseError
    ) throws(SIPParseError) -> Int {
        let next = nextLine(bytes, after: error.offset)
        let line = bytes.trimmed(start..<next)
        guard error.code == .controlByte, version(bytes, endOf: line) != nil else { throw SIPParseError(.notSIP, at: start) }
        core.isRequest = true
        note(SIPParseError(.startLine, at: error.offset))
        return next
    }

    private mutating func readStatusLine(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(SIPParseError) {
        var cursor = ByteCursor(line)
        let version = cursor.run(bytes) { $0 == .space }
        guard bytes.equals(version, ignoringCase: "sip/2.0"), cursor.take(.space, bytes) else {
            throw SIPParseError(.notSIP, at: line.lowerBound)
        }
        let digits = cursor.run(bytes) { !$0.isDigit }
        guard digits.count == 3, let status = bytes.number(digits, upTo: 699), status >= 100 else {
            throw SIPParseError(.statusCode, at: digits.lowerBound)
        }
        guard cursor.isAtEnd || cursor.take(.space, bytes) else { throw SIPParseError(.statusCode, at: digits.upperBound) }
        core.status = UInt16(status)
        core.reason = ByteRange(cursor.position..<line.upperBound)
    }

    /// Method, address and version, one space apart (RFC 3261 §7.1); a line that is folded is none.
    private mutating func readRequestLine(_ bytes: Span<UInt8>, _ line: Range<Int>) throws(SIPParseError) {
        var cursor = ByteCursor(line)
        let method = cursor.run(of: .token, bytes)
        guard let version = version(bytes, endOf: bytes.trimmed(line)), !method.isEmpty, cursor.take(.space, bytes) else {
            throw SIPParseError(.notSIP, at: line.lowerBound)
        }
        core.isRequest = true
        core.method = SIPMethod(bytes, method)
        core.methodName = ByteRange(method)
        core.isVersion2 = bytes.equals(version, ignoringCase: "sip/2.0")
        let target = cursor.run(bytes) { $0.isLinearSpace }
        guard !target.isEmpty, cursor.take(.space, bytes), cursor.position == version.lowerBound,
            version.upperBound == line.upperBound
        else { return note(SIPParseError(.startLine, at: cursor.position)) }
        readRequestURI(bytes, target)
    }

    /// No headers are allowed in it (RFC 3261 §19.1.1), and none are taken from it (RFC 4475 §3.1.2.11).
    private mutating func readRequestURI(_ bytes: Span<UInt8>, _ target: Range<Int>) {
        core.requestURI = ByteRange(target)
        do {
            core.requestURIShape = try URIShape(bytes, target, limit: limits.uriParameterCount)
            guard core.requestURIShape.headers.isEmpty else {
                return note(SIPParseError(.requestURI, at: core.requestURIShape.headers.start))
            }
        } catch {
            note(SIPParseError(error.code == .uri ? .requestURI : error.code, at: error.offset))
        }
    }

    /// `SIP/` digits `.` digits at the end of a line.
    private func version(_ bytes: Span<UInt8>, endOf line: Range<Int>) -> Range<Int>? {
        var start = line.upperBound
        while start > line.lowerBound, !bytes[start - 1].isLinearSpace { start -= 1 }
        let word = start..<line.upperBound
        guard word.count >= 7, bytes.equals(start..<start + 4, ignoringCase: "sip/") else { return nil }
        var cursor = ByteCursor(start + 4..<line.upperBound)
        guard !cursor.run(bytes, until: { !$0.isDigit }).isEmpty, cursor.take(.dot, bytes),
            !cursor.run(bytes, until: { !$0.isDigit }).isEmpty, cursor.isAtEnd
        else { return nil }
        return word
    }

    // MARK: Headers that every message is asked for

    private mutating func interpret(
        _ name: SIPHeaderName, _ value: Range<Int>, _ bytes: Span<UInt8>, at start: Int
    ) throws(SIPParseError) {
        if name.isSingle, core.seen.contains(name) {
            if name == .contentLength { contentLengthConflict = start }
            throw SIPParseError(.repeatedHeader, at: start)
        }
        core.seen.insert(name)
        switch name {
        case .via: try readVia(bytes, value)
        case .from: core.fromTag = try readSingleAddress(bytes, value)
        case .to: core.toTag = try readSingleAddress(bytes, value)
        case .callID: try readCallID(bytes, value)
        case .cseq: try readCSeq(bytes, value)
        case .maxForwards:
            guard let hops = bytes.number(value, upTo: 255) else { throw SIPParseError(.maxForwards, at: value.lowerBound) }
            core.maxForwards = UInt8(hops)
        case .contentLength:
            guard let length = bytes.number(value, upTo: UInt32.max) else {
                throw SIPParseError(.contentLength, at: value.lowerBound)
            }
            core.contentLength = Int(length)
        default: return
        }
        bytesExamined += value.count
    }

    /// Every value in full, since each goes into an answer; the topmost is kept.
    private mutating func readVia(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(SIPParseError) {
        var cursor = ByteCursor(value)
        repeat {
            let via = try ViaShape(&cursor, bytes)
            if core.viaCount == 0 { core.topVia = via }
            core.viaCount += 1
            guard core.viaCount <= limits.viaCount else { throw SIPParseError(.tooManyVias, at: cursor.position) }
        } while cursor.takeSeparator(.comma, bytes)
    }

    private func readSingleAddress(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(SIPParseError) -> ByteRange? {
        var cursor = ByteCursor(value)
        let address = try AddressShape(&cursor, bytes)
        guard cursor.isAtEnd else { throw SIPParseError(.address, at: cursor.position) }
        return address.tag
    }

    private mutating func readCallID(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(SIPParseError) {
        guard !value.isEmpty, EightBytes.first(.space, bytes, in: value) == nil,
            EightBytes.firstControl(bytes, from: value.lowerBound) >= value.upperBound
        else { throw SIPParseError(.callID, at: value.lowerBound) }
        core.callID = ByteRange(value)
    }

    /// A number below 2^31, white space, a method (RFC 3261 §20.16).
    private mutating func readCSeq(_ bytes: Span<UInt8>, _ value: Range<Int>) throws(SIPParseError) {
        var cursor = ByteCursor(value)
        let digits = cursor.run(bytes) { !$0.isDigit }
        guard let number = bytes.number(digits, upTo: 0x7FFF_FFFF) else { throw SIPParseError(.cseq, at: digits.lowerBound) }
        let gap = cursor.position
        cursor.skipSpace(bytes)
        let method = cursor.run(of: .token, bytes)
        guard cursor.isAtEnd, !method.isEmpty, method.lowerBound > gap else { throw SIPParseError(.cseq, at: cursor.position) }
        core.cseqNumber = number
        core.cseqMethod = ByteRange(method)
        guard !core.isRequest else { return }
        core.method = SIPMethod(bytes, method)
        core.methodName = core.cseqMethod
    }

    /// What takes the whole head to see.
    private mutating func checkWhole(_ bytes: Span<UInt8>) {
        guard core.seen.isSuperset(of: .mandatory) else { return note(SIPParseError(.missingHeader, at: 0)) }
        guard core.isRequest else { return }
        if !bytes.equals(core.methodName.range, core.cseqMethod.range) {
            note(SIPParseError(.methodMismatch, at: core.cseqMethod.start))
        }
    }
}
