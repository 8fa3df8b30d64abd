/// A room for the source tree: adapter, cases, tests and sample of a vendor, which compile and pass the suite as they are.
///
/// What is written is what `Tests/Skeleton` holds, with the vendor's name in place of its own.
struct SwiftSkeleton: Skeleton {
    let name: String

    /// `MyPbx` of `my-pbx`; a name that begins with a digit gets a letter before it.
    var typeName: String {
        let words = name.split(whereSeparator: { $0 == "-" || $0 == "_" })
        let joined = words.map { $0.prefix(1).uppercased() + $0.dropFirst() }.joined()
        return joined.first?.isNumber == true ? "V" + joined : joined
    }

    var files: [(path: String, text: String)] {
        let room = "Sources/Adapters/MyPbx"
        let cases = "Tests/Fixtures/my-pbx"
        let texts = [
            ("\(room)/MyPbxAdapter.swift", Self.adapter), ("\(room)/MyPbxAuthenticator.swift", Self.authenticator),
            ("\(room)/MyPbxWebhook.swift", Self.webhook), ("\(room)/README.md", Self.readme),
            ("adapters.d/sample-my-pbx.yaml", Self.sample), ("Tests/AdapterTests/MyPbx/MyPbxAdapterTests.swift", Self.tests),
            ("\(cases)/inbound-answered/requests.json", Self.answered),
            ("\(cases)/inbound-answered/settings.yaml", Self.settings),
            (
                "\(cases)/inbound-answered/source.md",
                "Made up with the skeleton: replace it by what the vendor sends, with the numbers made up.\n"
            ),
            ("\(cases)/rejected-requests/requests.json", Self.rejected),
            ("\(cases)/rejected-requests/settings.yaml", Self.settings), ("\(cases)/rejected-requests/error.txt", "401\n403\n"),
            (
                "\(cases)/rejected-requests/source.md", "The first request without its signature, and with another one.\n"
            ),
        ]
        return texts.map { (named($0.0), named($0.1)) }
    }

    var canBeTried: Bool { false }

    var advice: [String] {
        [
            "Package.swift, among the translators:",
            "    room(\"\(typeName)Adapter\", at: \"Adapters/\(typeName)\", uses: [\"AdapterKit\", \"Connector\", \"Digests\"]),",
            "    and \"Adapters/\(typeName)\" in `readme(in:)`, \"\(typeName)Adapter\" in what AdapterCatalog and AdapterTests use.",
            "Sources/Adapters/Catalog/AdapterCatalog.swift:",
            "    import \(typeName)Adapter",
            "    \(typeName)Adapter.self,",
            "Tests/AdapterTests/FixtureRecordTests.swift: \"\(name)\" in `cases`; then write the expected records with",
            "    KOMMUTATOR_RECORD_FIXTURES=1 swift test --filter FixtureRecordTests",
            "and try it with",
            "    swift test --filter \(typeName)AdapterTests",
        ]
    }

    private func named(_ text: String) -> String {
        text.replacing("my-pbx", with: name).replacing("MyPbx", with: typeName)
    }

    private static let settings = "secret: made-up-secret-1\n"
}
