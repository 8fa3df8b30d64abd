// Compiled into one module with the framing's own files by scripts/fuzz.sh; no target of the package.

/// Any bytes as a manager interface's stream.
///
/// Holds that the framing never traps, that it gives the same messages however the stream is cut, and that a message finds each key that
/// it is asked for without leaving its bytes.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzAMI(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    for isGreeted in [true, false] {
        let whole = messages([bytes[...]], isGreeted)
        let cut = bytes.count / 3
        precondition(messages([bytes[..<cut], bytes[cut...]], isGreeted) == whole, "cut in two, other messages")
        precondition(messages(bytes.indices.map { bytes[$0...$0] }, isGreeted) == whole, "byte by byte, other messages")
    }
    return 0
}

/// The stream's messages up to its end, or to where it cannot be trusted any more.
private func messages(_ pieces: [ArraySlice<UInt8>], _ isGreeted: Bool) -> [[UInt8]] {
    var framing = ManagerFraming(expectsGreeting: isGreeted)
    var found: [[UInt8]] = []
    for piece in pieces {
        framing.take(piece)
        do {
            while let bytes = try framing.next() {
                found.append(Array(bytes))
                touch(bytes)
            }
        } catch {
            return found
        }
    }
    return found
}

private func touch(_ bytes: ArraySlice<UInt8>) {
    let message = ManagerMessage(bytes)
    _ = (ManagerEvent(bytes), message.head, message["Uniqueid"], message["Channel"], message.all("Variable"))
    precondition(message["Linkedid"] == nil || message.holds("Linkedid"), "a value without its key")
}
