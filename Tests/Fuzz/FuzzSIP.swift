// Compiled into one module with the parser's own files by scripts/fuzz.sh; no target of the package.

/// Any bytes as a datagram, and as a stream.
///
/// Holds that the parser refuses or understands, never traps, also where every view of a message is read; that a stream comes to the
/// same however it is cut; and that an answer to what was understood is understood.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzSIP(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    var parser = SIPParser()
    do throws(SIPRefusal) {
        if let message = try parser.parse(datagram: bytes.span).message {
            readAll(of: message)
            holdAnswer(to: message)
        }
    } catch {
        if let request = error.request {
            readAll(of: request)
            _ = try? SIPMessageWriter.response(to: error, toTag: "t", arrival: SIPArrival(address: "192.0.2.1", port: 5060))
        }
    }
    let whole = streamItems(of: bytes, step: max(1, count))
    for step in [1, 7] { precondition(streamItems(of: bytes, step: step) == whole, "cut differently, read differently") }
    if let uri = try? SIPURI(bytes) { precondition(uri.isEquivalent(to: uri.detached()), "a URI equals itself") }
    return 0
}

private func readAll(of message: SIPMessage) {
    for name in SIPHeaderName.allCases where message.has(name) {
        _ = try? message.addresses(name).map { ($0.displayName, $0.parameters.all, $0.uri.parameters, $0.uri.headers) }
        _ = (try? message.list(name), message.number(name), try? message.credentials(name).map(\.parameters.all))
        _ = message.parameters(name)?.all
    }
    _ = (message.contentType, message.body, message.requestURI?.user, message.objection, message.hasStarContact)
    _ = message.vias.map { ($0.written, $0.parameters.all, $0.hasMagicCookie) }
}

private func holdAnswer(to message: SIPMessage) {
    guard message.isRequest,
        let bytes = try? SIPMessageWriter.response(
            200, "OK", to: message, toTag: "t", arrival: SIPArrival(address: "192.0.2.1", port: 5060)
        ).finish()
    else { return }
    var parser = SIPParser()
    // The limits of a line and of a head may be passed by what is added.
    guard let answer = try? parser.parse(datagram: bytes.span).message else {
        precondition(bytes.count > 8 << 10, "an answer of ours is understood")
        return
    }
    precondition(answer.viaCount == message.viaCount && answer.callID == message.callID && answer.cseq == message.cseq)
}

/// What the framer says, one word an item.
private func streamItems(of bytes: [UInt8], step: Int) -> [String] {
    var parser = SIPParser()
    var framer = SIPStreamFramer()
    var items: [String] = []
    var start = 0
    for end in Array(stride(from: step, to: max(step, bytes.count), by: step)) + [bytes.count] {
        reading: while start < end {
            switch framer.next(bytes.span.extracting(start..<end), with: &parser) {
            case .incomplete: break reading
            case .ping(let count): (items, start) = (items + ["ping"], start + count)
            case .emptyLine(let count): start += count
            case .message(let message, let count): (items, start) = (items + ["message \(message.bytes)"], start + count)
            case .refused(let refusal, let count):
                items.append("refused \(refusal.error.code)")
                guard let count else { return items }
                start += count
            }
        }
    }
    return items
}
