// Compiled into one module with the readers' own files by scripts/fuzz.sh; no target of the package.

/// A content type up to the first line feed, then any bytes as the multipart body.
///
/// Holds that the reader refuses or understands, never traps, and that every value lies within the body.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzMultipart(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let input = UnsafeRawBufferPointer(start: start, count: count)
    let lineEnd = input.firstIndex(of: 0x0A) ?? input.endIndex
    let contentType = String(decoding: input[..<lineEnd], as: UTF8.self)
    let body = UnsafeRawBufferPointer(rebasing: input[min(lineEnd + 1, input.endIndex)...])
    guard let form = try? MultipartBody(body, contentType: contentType) else { return 0 }
    for part in form.parts {
        precondition(part.place.lowerBound >= 0 && part.place.upperBound <= body.count, "a value lies within the body")
        precondition(form.bytes(of: part.name) != nil, "a part is found by its name")
        _ = form.int(part.name)
    }
    return 0
}
