/// Parameters behind an address, a Via, a media type or a scheme of authentication: a view, read when it is asked.
package struct SIPParameters: Sendable {
    let bytes: [UInt8]
    let range: Range<Int>
    /// Whether commas part them, as in Authorization, or semicolons lead them.
    var areParted = false

    /// Name and value of one parameter, as written.
    package struct Parameter: Sendable {
        package let name: ArraySlice<UInt8>
        /// A quoted string with its quotes; nil where there is no `=`.
        package let writtenValue: ArraySlice<UInt8>?
        /// Without quotes and backslashes; folds are one space.
        package var value: [UInt8]? { writtenValue.map(QuotedText.undone) }
    }

    /// All of them in order. What a view of ours covers was read before, so the list does not end early.
    package var all: [Parameter] {
        var found: [Parameter] = []
        visit {
            found.append($0)
            return true
        }
        return found
    }

    /// The first of that name, which is written in lower case.
    package func first(_ name: StaticString) -> Parameter? {
        var found: Parameter?
        visit {
            guard $0.name.equals(ignoringCase: name) else { return true }
            found = $0
            return false
        }
        return found
    }

    /// The value of the first of that name; nil where there is none, or it has no value.
    package subscript(_ name: StaticString) -> [UInt8]? { first(name)?.value }

    private func visit(_ isToGoOn: (Parameter) -> Bool) {
        var cursor = ByteCursor(range)
        while let shape = try? next(&cursor) {
            let parameter = Parameter(name: bytes[shape.name], writtenValue: shape.value.map { bytes[$0] })
            guard isToGoOn(parameter) else { return }
            if areParted, !cursor.takeSeparator(.comma, bytes.span) { return }
        }
    }

    private func next(_ cursor: inout ByteCursor) throws(SIPParseError) -> ParameterShape? {
        areParted ? try cursor.nameAndValue(bytes.span) : try cursor.parameter(bytes.span)
    }
}

/// Quoted strings (RFC 3261 §25.1).
package enum QuotedText {
    /// The text meant: without quotes, backslashes and folds. Text without quotes keeps all but its folds.
    package static func undone(_ written: ArraySlice<UInt8>) -> [UInt8] {
        guard written.count >= 2, written.first == .quote else { return unfolded(written) }
        var meant: [UInt8] = []
        meant.reserveCapacity(written.count)
        var rest = written.dropFirst().dropLast()
        while let byte = rest.popFirst() {
            if byte == .backslash, let next = rest.popFirst() {
                meant.append(next)
            } else if byte == .carriageReturn {
                rest = rest.drop(while: \.isLinearSpace)
                meant.append(.space)
            } else {
                meant.append(byte)
            }
        }
        return meant
    }

    /// Each fold, with the white space around it, as one space (RFC 3261 §7.3.1).
    package static func unfolded(_ written: ArraySlice<UInt8>) -> [UInt8] {
        guard written.contains(.carriageReturn) else { return Array(written) }
        var meant: [UInt8] = []
        meant.reserveCapacity(written.count)
        var rest = written
        while let byte = rest.popFirst() {
            guard byte == .carriageReturn else {
                meant.append(byte)
                continue
            }
            while meant.last?.isBlank == true { meant.removeLast() }
            rest = rest.drop(while: \.isLinearSpace)
            meant.append(.space)
        }
        return meant
    }
}
