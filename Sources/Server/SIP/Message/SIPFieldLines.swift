/// Header lines of ours, each ended by CRLF: what a request or an answer gets beside those that its machinery writes itself.
///
/// Foreign bytes are looked at when they come in, so that whoever appends the lines need not.
package struct SIPFieldLines: Sendable {
    package private(set) var bytes: [UInt8] = []

    package init() {}

    package var isEmpty: Bool { bytes.isEmpty }

    /// - Throws: `.injection` where the value holds what would end the line.
    package mutating func add(_ name: SIPHeaderName, _ value: some Collection<UInt8>) throws(SIPWriteError) {
        guard !value.contains(where: { $0 == .carriageReturn || $0 == .lineFeed || $0 == 0 }) else {
            throw SIPWriteError(code: .injection, name: name.spelling.description)
        }
        append(name, value)
    }

    package mutating func add(_ name: SIPHeaderName, _ value: String) throws(SIPWriteError) { try add(name, value.utf8) }

    /// A text of this program.
    package mutating func add(_ name: SIPHeaderName, fixed value: StaticString) {
        append(name, UnsafeBufferPointer(start: value.utf8Start, count: value.utf8CodeUnitCount))
    }

    package mutating func add(_ name: SIPHeaderName, _ number: UInt32) { append(name, "\(number)".utf8) }

    /// A value of a message that was parsed: its folds become spaces, so no line break is left.
    package mutating func add(_ name: SIPHeaderName, parsed value: ArraySlice<UInt8>) {
        append(name, QuotedText.unfolded(value).lazy.filter { $0 >= .space || $0 == .tab })
    }

    /// `<uri>`. A URI that was parsed holds no line break.
    package mutating func add(_ name: SIPHeaderName, address uri: SIPURI) { append(name, [.less] + uri.written + [.greater]) }

    /// A header by whatever name.
    package mutating func add(named name: String, _ value: String) throws(SIPWriteError) {
        guard !name.isEmpty, name.utf8.allSatisfy(\.isToken) else { throw SIPWriteError(code: .token, name: nil) }
        guard !value.utf8.contains(where: { $0 == .carriageReturn || $0 == .lineFeed || $0 == 0 }) else {
            throw SIPWriteError(code: .injection, name: name)
        }
        bytes += "\(name): \(value)\r\n".utf8
    }

    package mutating func add(_ lines: SIPFieldLines) { bytes += lines.bytes }

    /// `"name" <uri>;tag=…`; the display name is quoted and escaped, and whatever no header may hold is left out of it.
    static func party(displayName: (some Collection<UInt8>)?, _ uri: SIPURI, tag: [UInt8]? = nil) -> [UInt8] {
        var value: [UInt8] = []
        if let displayName, !displayName.isEmpty {
            value += SIPMessageWriter.quoted(displayName.filter { $0 >= .space && $0 != .delete }) + [.space]
        }
        value += [.less] + uri.written + [.greater]
        if let tag { value += Array(";tag=".utf8) + tag }
        return value
    }

    private mutating func append(_ name: SIPHeaderName, _ value: some Sequence<UInt8>) {
        let spelling = name.spelling
        bytes += UnsafeBufferPointer(start: spelling.utf8Start, count: spelling.utf8CodeUnitCount)
        bytes += [.colon, .space]
        bytes += value
        bytes += [.carriageReturn, .lineFeed]
    }
}
