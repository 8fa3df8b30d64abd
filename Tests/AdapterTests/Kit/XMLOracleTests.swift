import AdapterConformance
import AdapterKit
import Foundation
import FoundationXML
import TestSupport
import Testing

/// Our reader against the system's, on genuine and on ruined documents: what it accepts, the other one reads alike.
///
/// It refuses more: document types, depth, an ampersand too much. That is its purpose.
@Suite struct XMLOracleTests {
    private static let documents: [[UInt8]] = {
        let cases = (try? CaseFolder.loadAll(below: FixtureFolders.cases(of: "beeline"))) ?? []
        return cases.flatMap(\.requests).map(\.body).filter { $0.count > 10 }
    }()

    /// What makes trouble in XML.
    private static let alphabet = Array("<>&;'\"/!?=-[]:#x1 \t\r\naz\u{0}".utf8)

    @Test func `there are documents`() { #expect(Self.documents.count >= 80) }

    @Test func `genuine documents are read alike`() throws {
        for document in Self.documents {
            guard let tree = try? XMLTree(document) else { continue }
            #expect(Outline(tree) == Outline(parsing: document), "\(String(decoding: document.prefix(200), as: UTF8.self))")
        }
    }

    @Test(arguments: 0..<8 as Range<UInt64>)
    func `what is accepted of ruined documents is read alike`(seed: UInt64) throws {
        var chance = SeededRandom(seed: seed)
        var accepted = 0
        for _ in 0..<2500 {
            guard let document = Self.documents.randomElement(using: &chance) else { continue }
            let ruined = chance.mutated(document, alphabet: Self.alphabet)
            guard let tree = try? XMLTree(ruined) else { continue }
            accepted += 1
            guard let oracle = Outline(parsing: ruined) else {
                Issue.record("only ours reads \(String(decoding: ruined, as: UTF8.self))")
                continue
            }
            #expect(Outline(tree) == oracle, "\(String(decoding: ruined, as: UTF8.self))")
        }
        #expect(accepted > 100, "some ruins are documents still")
    }

    @Test(arguments: 0..<4 as Range<UInt64>)
    func `random bytes never trap`(seed: UInt64) {
        var chance = SeededRandom(seed: seed &+ 100)
        for _ in 0..<20_000 {
            let count = Int.random(in: 0..<48, using: &chance)
            let bytes = (0..<count).map { _ in Self.alphabet.randomElement(using: &chance) ?? 0 }
            guard let tree = try? XMLTree([UInt8(ascii: "<"), UInt8(ascii: "a")] + bytes) else { continue }
            _ = Outline(tree)
        }
    }
}

/// The elements of a document in their order: depth, name, text where there are no elements within, and attributes.
private struct Outline: Equatable {
    struct Line: Equatable {
        var depth: Int
        var name: String
        var text: String?
        var attributes: [String: String]
        var hasElements = false
    }

    private(set) var lines: [Line] = []

    init(_ tree: XMLTree) { take(tree.root, depth: 1) }

    private mutating func take(_ element: XMLTree.Element, depth: Int) {
        var attributes: [String: String] = [:]
        for name in ["type", "countryCode"] as [StaticString] { attributes[name.description] = element.attribute(name) }
        lines.append(
            Line(
                depth: depth, name: element.name, text: element.text, attributes: attributes,
                hasElements: !element.children.isEmpty))
        for child in element.children { take(child, depth: depth + 1) }
    }

    /// nil where the system's parser refuses.
    init?(parsing bytes: [UInt8]) {
        let parser = FoundationXML.XMLParser(data: Data(bytes))
        let reader = Reader()
        parser.delegate = reader
        guard parser.parse() else { return nil }
        lines = reader.lines
    }

    private final class Reader: NSObject, XMLParserDelegate {
        var lines: [Line] = []
        private var open: [Int] = []
        private var texts: [String] = []

        private static func local(_ name: String) -> String {
            String(name.drop { $0 != ":" }.dropFirst().isEmpty ? name[...] : name.drop { $0 != ":" }.dropFirst())
        }

        func parser(
            _ parser: XMLParser, didStartElement name: String, namespaceURI: String?, qualifiedName: String?,
            attributes: [String: String]
        ) {
            if let parent = open.last { lines[parent].hasElements = true }
            var known: [String: String] = [:]
            for (name, value) in attributes where !name.hasPrefix("xmlns:") {
                let name = Self.local(name)
                if name == "type" || name == "countryCode" { known[name] = value }
            }
            open.append(lines.count)
            texts.append("")
            lines.append(Line(depth: open.count, name: Self.local(name), text: nil, attributes: known))
        }

        func parser(_ parser: XMLParser, foundCharacters string: String) { texts[texts.count - 1] += string }

        func parser(_ parser: XMLParser, foundCDATA block: Data) {
            texts[texts.count - 1] += String(decoding: block, as: UTF8.self)
        }

        func parser(_ parser: XMLParser, didEndElement name: String, namespaceURI: String?, qualifiedName: String?) {
            let line = open.removeLast()
            let spaces: Set<Unicode.Scalar> = [" ", "\t", "\r", "\n"]
            let text = texts.removeLast().unicodeScalars.drop { spaces.contains($0) }
            let trimmed = String(String.UnicodeScalarView(text.reversed().drop { spaces.contains($0) }.reversed()))
            if !lines[line].hasElements, !trimmed.isEmpty { lines[line].text = trimmed }
        }
    }
}
