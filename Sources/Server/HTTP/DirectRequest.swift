import Network

/// A request head as it lies in the connection's buffer.
package struct RequestHead: ~Copyable {
    package let method: HTTPMethod
    package let peer: SocketAddress
    package let isSecure: Bool
    /// The loop's time of this turn.
    package let now: MonotonicInstant
    /// Nanoseconds since 1970, UTC, of this turn.
    package let wallClockNanoseconds: Int64
    let bytes: ByteView
    let head: ParsedHead
    let slots: UnsafeBufferPointer<HeaderSlot>
    let match: RouteMatch

    /// The path as sent, percent-encoded, without query.
    package var path: ByteView { bytes[head.path] }
    /// The query as sent, without the question mark.
    package var query: ByteView { bytes[head.query] }
    /// The announced length of the body; nil when it is chunked or absent.
    package var contentLength: Int? { head.contentLength }

    /// What stands, still percent-encoded, in place of the pattern's n-th `{name}`, from 0.
    package func parameter(_ index: Int) -> ByteView {
        guard index >= 0, index < match.parameterCount else { return .empty }
        let range = match.parameters[index]
        return bytes[Int(range.start)..<Int(range.start) + Int(range.length)]
    }

    /// The first header of that name; `name` is written in lower case.
    package func header(_ name: StaticString) -> ByteView? {
        for slot in slots where Int(slot.nameLength) == name.utf8CodeUnitCount {
            if bytes[slot.name].equals(ignoringCase: name) { return bytes[slot.value] }
        }
        return nil
    }

    package var headerCount: Int { slots.count }

    /// The n-th header in order of arrival.
    package func header(at index: Int) -> (name: ByteView, value: ByteView) {
        precondition(index >= 0 && index < slots.count, "header index outside the head")
        return (bytes[slots[index].name], bytes[slots[index].value])
    }
}

/// A whole request as it lies in the connection's buffer.
package struct DirectRequest: ~Copyable {
    package let head: RequestHead
    /// The decoded body.
    package let body: ByteView

    package var method: HTTPMethod { head.method }
    package var path: ByteView { head.path }
    package var query: ByteView { head.query }
    package var peer: SocketAddress { head.peer }
    package var now: MonotonicInstant { head.now }
    package func parameter(_ index: Int) -> ByteView { head.parameter(index) }
    package func header(_ name: StaticString) -> ByteView? { head.header(name) }
}
