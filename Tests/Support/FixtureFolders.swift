/// Where the fixtures lie, found from this file's own place.
package enum FixtureFolders {
    /// The folder of `Tests/Fixtures` that holds an adapter's cases.
    package static func cases(of adapter: String) -> String { "\(tests)/Fixtures/\(adapter)" }

    /// SIP messages that are hard to read, and what is right to make of them.
    package static var tortureSet: String { "\(tests)/Fixtures/sip-torture" }

    /// The folder of the samples that are shipped.
    package static var samples: String { "\(tests)/../adapters.d" }

    private static let tests: String = {
        let file: String = #filePath
        return file.split(separator: "/", omittingEmptySubsequences: false).dropLast(2).joined(separator: "/")
    }()
}
