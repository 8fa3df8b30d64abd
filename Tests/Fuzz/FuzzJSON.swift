// Compiled against the JSON files by scripts/fuzz.sh; no target of the package.
import Connector

/// Any bytes as JSON.
///
/// Holds that the reader refuses or understands, never traps, and that what it understands survives being written and read again.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzJSON(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let text = try? JSONText(bytes) else { return 0 }
    touch(text.root)
    let value = JSONValue(text.root)
    precondition((try? JSONValue(parsing: value.encoded)) == value, "read again, another value")
    return 0
}

/// Asks a value and everything below it for all it may be.
private func touch(_ node: JSONNode) {
    _ = (node.anyText, node.anyInt, node.int, node.double, node.bool, node.source.count)
    for element in node.elements { touch(element) }
    for member in node.members {
        touch(member.value)
        precondition(node[dynamic: member.name].exists, "a member is found by its name")
    }
}
