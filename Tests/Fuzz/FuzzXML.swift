// Compiled into one module with the reader's own files by scripts/fuzz.sh; no target of the package.
import Connector

/// Any bytes as an XML document.
///
/// Holds that the reader refuses or understands, never traps, that every element is found by its name, and that what it understands is
/// understood alike when it is read again.
@_cdecl("LLVMFuzzerTestOneInput")
func fuzzXML(_ start: UnsafePointer<UInt8>?, _ count: Int) -> Int32 {
    let bytes = Array(UnsafeBufferPointer(start: start, count: count))
    guard let tree = try? XMLTree(bytes) else { return 0 }
    precondition(tree.root.exists, "a document has a root")
    touch(tree.root)
    precondition((try? XMLTree(bytes)).map { same($0.root, tree.root) } == true, "read again, another document")
    return 0
}

private func touch(_ element: XMLTree.Element) {
    _ = (element.text, element.int, element.attribute("type"), element.equals("x"))
    precondition(!element.name.isEmpty, "an element has a name")
    for child in element.children { touch(child) }
}

private func same(_ one: XMLTree.Element, _ other: XMLTree.Element) -> Bool {
    let (left, right) = (one.children, other.children)
    return one.name == other.name && one.text == other.text && left.count == right.count && zip(left, right).allSatisfy(same)
}
