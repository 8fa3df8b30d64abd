import CSystem

/// Finds the end of a chunked body (RFC 9112 §7.1) as its bytes arrive, and decodes it in place once it is whole.
///
/// Strict: sizes are up to 15 hex digits, lines end with CR LF, extensions and trailers are bounded and ignored.
struct ChunkedBody {
    private enum State: UInt8 {
        case size, extensions, sizeLineFeed, data, dataReturn, dataLineFeed, trailer, trailerLine, trailerLineFeed, lastLineFeed
    }

    /// What a body may spend on framing beyond one byte per byte of content.
    private static let framingAllowance = 64 * 1024

    private var state = State.size
    private var digits = 0
    private var remaining = 0
    /// How far the bytes have been looked at, from the body's first byte.
    private(set) var scanned = 0
    /// Bytes of content announced so far.
    private(set) var decodedLength = 0

    /// Looks at what has arrived since the last call; the length of the raw body when its end is there, else nil.
    ///
    /// - Parameter bytes: the raw body from its first byte, grown by the caller between calls.
    /// - Throws: `.chunk` for malformed framing, `.bodyTooLarge` for more than `limit` bytes of content or lavish framing.
    mutating func end(of bytes: Span<UInt8>, limit: Int) throws(HTTPParseError) -> Int? {
        while scanned < bytes.count {
            if state == .data {
                let step = min(remaining, bytes.count - scanned)
                scanned += step
                remaining -= step
                if remaining == 0 { state = .dataReturn }
                continue
            }
            let isEnd = state == .lastLineFeed
            try step(bytes[scanned], limit: limit)
            scanned += 1
            if isEnd { return scanned }
            guard scanned - decodedLength <= Self.framingAllowance + decodedLength else { throw .bodyTooLarge }
        }
        return nil
    }

    private mutating func step(_ byte: UInt8, limit: Int) throws(HTTPParseError) {
        switch state {
        case .size: try stepSize(byte, limit: limit)
        case .extensions: state = try afterLine(byte, else: .extensions, lineFeed: .sizeLineFeed)
        case .sizeLineFeed: state = try lineFeed(byte, then: remaining == 0 ? .trailer : .data)
        case .data: throw .chunk
        case .dataReturn:
            guard byte == .carriageReturn else { throw .chunk }
            state = .dataLineFeed
        case .dataLineFeed:
            state = try lineFeed(byte, then: .size)
            digits = 0
            remaining = 0
        case .trailer: state = try afterLine(byte, else: .trailerLine, lineFeed: .lastLineFeed)
        case .trailerLine: state = try afterLine(byte, else: .trailerLine, lineFeed: .trailerLineFeed)
        case .trailerLineFeed: state = try lineFeed(byte, then: .trailer)
        case .lastLineFeed: _ = try lineFeed(byte, then: .lastLineFeed)
        }
    }

    private mutating func stepSize(_ byte: UInt8, limit: Int) throws(HTTPParseError) {
        if let digit = byte.hexValue {
            digits += 1
            guard digits <= 15 else { throw .chunk }
            remaining = remaining << 4 | Int(digit)
            return
        }
        guard digits > 0, byte == .carriageReturn || byte == .semicolon else { throw .chunk }
        guard remaining <= limit - decodedLength else { throw .bodyTooLarge }
        decodedLength += remaining
        state = byte == .semicolon ? .extensions : .sizeLineFeed
    }

    private func afterLine(_ byte: UInt8, else next: State, lineFeed: State) throws(HTTPParseError) -> State {
        if byte == .carriageReturn { return lineFeed }
        guard byte >= .space && byte != 0x7F || byte == .tab else { throw .chunk }
        return next
    }

    private func lineFeed(_ byte: UInt8, then next: State) throws(HTTPParseError) -> State {
        guard byte == .lineFeed else { throw .chunk }
        return next
    }

    /// Moves the content of a whole raw body, as found by `end(of:limit:)`, to its front; the length of the content.
    static func decode(_ raw: UnsafeMutableRawBufferPointer) -> Int {
        guard let base = raw.baseAddress else { return 0 }
        var position = 0
        var length = 0
        while position < raw.count {
            var size = 0
            while position < raw.count, let digit = raw[position].hexValue {
                size = size << 4 | Int(digit)
                position += 1
            }
            while position < raw.count, raw[position] != .lineFeed { position += 1 }
            position += 1
            guard size > 0, size <= raw.count - position else { break }
            memmove(base + length, base + position, size)
            length += size
            position += size + 2
        }
        return length
    }
}
