// Compiled into one module with the readers' own files by scripts/fuzz.sh; no target of the package.

/// Any bytes as a form.
///
/// Holds that the reader refuses or understands, never traps, and finds each field that it names.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzForm(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let body = UnsafeRawBufferPointer(start: start, count: count)
    guard let form = try? FormBody(body) else { return 0 }
    for name in form.names {
        // A name that is no UTF-8 was mended for reading, and is then no field's name.
        if name.unicodeScalars.contains("\u{FFFD}") { continue }
        precondition(form.bytes(of: name) != nil, "a field is found by its name")
        _ = form.int(name)
    }
    return 0
}
