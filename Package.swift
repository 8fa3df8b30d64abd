// swift-tools-version: 6.2
// The floor plan: which rooms there are, and which door opens to which.
// `swift build --explicit-target-dependency-import-check error` checks the doors.
import PackageDescription

/// Every room of ours: warnings are errors. A release does without the checks of exclusive access at run time, which tests make
/// (Decisions/020).
let strict: [SwiftSetting] = [
    .treatAllWarnings(as: .error),
    .unsafeFlags(["-enforce-exclusivity=unchecked"], .when(configuration: .release)),
]

/// A room: one Swift target in its own folder.
func room(_ name: String, at path: String, uses rooms: [Target.Dependency] = [], linked: [LinkerSetting] = []) -> Target {
    .target(
        name: name, dependencies: rooms, path: "Sources/\(path)", exclude: readme(in: path),
        swiftSettings: strict, linkerSettings: linked)
}

/// An adapter's README lies beside its code and is not compiled.
func readme(in path: String) -> [String] {
    [
        "Adapters/Asterisk", "Adapters/Beeline", "Adapters/Mango", "Adapters/Mapped", "Adapters/MegafonVATS", "Adapters/Multifon",
        "Adapters/PBX", "Adapters/Program", "Adapters/SIPTrunk", "Adapters/Telphin", "Adapters/Zadarma",
    ].contains(path) ? ["README.md"] : []
}

let yams = Target.Dependency.product(name: "Yams", package: "Yams")
let arguments = Target.Dependency.product(name: "ArgumentParser", package: "swift-argument-parser")

let package = Package(
    name: "kommutator",
    platforms: [.macOS(.v15)],
    products: [.executable(name: "kommutator", targets: ["kommutator"])],
    dependencies: [
        .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
        .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    ],
    targets: [
        // The hall: decides and remembers. Needs nothing below it.
        room("Connector", at: "Connector"),

        // The translators.
        room("AdapterKit", at: "Adapters/Kit", uses: ["Connector", "Digests"]),
        room("AsteriskAdapter", at: "Adapters/Asterisk", uses: ["AdapterKit", "Connector", "Digests"]),
        room("BeelineAdapter", at: "Adapters/Beeline", uses: ["AdapterKit", "Connector", "Digests"]),
        room("MangoAdapter", at: "Adapters/Mango", uses: ["AdapterKit", "Connector", "Digests"]),
        room("MappedAdapter", at: "Adapters/Mapped", uses: ["AdapterKit", "Connector", "Digests"]),
        room("MegafonVATSAdapter", at: "Adapters/MegafonVATS", uses: ["AdapterKit", "Connector", "Digests"]),
        room("MultifonAdapter", at: "Adapters/Multifon", uses: ["AdapterKit", "Connector"]),
        room("PBXAdapter", at: "Adapters/PBX", uses: ["AdapterKit", "Connector"]),
        room("ProgramAdapter", at: "Adapters/Program", uses: ["AdapterKit", "Connector", "Digests"]),
        room("SIPTrunkAdapter", at: "Adapters/SIPTrunk", uses: ["AdapterKit", "Connector"]),
        room("TelphinAdapter", at: "Adapters/Telphin", uses: ["AdapterKit", "Connector"]),
        room("ZadarmaAdapter", at: "Adapters/Zadarma", uses: ["AdapterKit", "Connector", "Digests"]),
        room(
            "AdapterCatalog", at: "Adapters/Catalog",
            uses: [
                "AdapterKit", "AsteriskAdapter", "BeelineAdapter", "Connector", "MangoAdapter", "MappedAdapter",
                "MegafonVATSAdapter",
                "MultifonAdapter", "PBXAdapter", "ProgramAdapter", "SIPTrunkAdapter", "TelphinAdapter",
                "ZadarmaAdapter",
            ]),
        room("VendorSimulators", at: "Adapters/Simulators", uses: ["AdapterKit", "Connector", "Digests"]),
        room("AdapterConformance", at: "Adapters/Conformance", uses: ["AdapterKit", "AdapterCatalog", "Connector"]),

        // The machinery.
        .target(
            name: "CSystem", path: "Sources/Server/CSystem",
            linkerSettings: [
                .linkedLibrary("ssl"), .linkedLibrary("crypto"), .linkedLibrary("sqlite3"), .linkedLibrary("curl"),
                .linkedLibrary("resolv"),
            ]),
        .target(
            name: "CNumbering", path: "Sources/Server/CNumbering",
            linkerSettings: [.linkedLibrary("phonenumber")]),
        room("Digests", at: "Server/Digests", uses: ["CSystem"]),
        room("Numbering", at: "Server/Numbering", uses: ["CNumbering", "Connector"]),
        room("Threading", at: "Server/Threading", uses: ["CSystem"]),
        room("NetworkTypes", at: "Server/NetworkTypes"),
        room("Network", at: "Server/Network", uses: ["CSystem", "NetworkTypes", "Threading"]),
        room("Streams", at: "Server/Streams", uses: ["Connector", "CSystem", "Network", "Threading"]),
        room("HTTPServer", at: "Server/HTTP", uses: ["Network", "CSystem"]),
        room("HTTPClient", at: "Server/HTTPClient", uses: ["Connector", "Network", "CSystem"]),
        room(
            "DoubleServer", at: "Server/DoubleServer",
            uses: ["AdapterKit", "Connector", "Digests", "HTTPServer", "Network", "SIP", "VendorSimulators"]),
        room("Processes", at: "Server/Processes", uses: ["Connector", "CSystem", "Threading"]),
        room("Media", at: "Server/Media", uses: ["CSystem", "Network", "NetworkTypes", "Threading"]),
        room("SIP", at: "Server/SIP", uses: ["Digests", "NetworkTypes"]),
        room("PBXPlan", at: "Server/PBX/Plan", uses: ["AdapterKit", "Connector"]),
        .target(
            name: "FallbackPBX",
            dependencies: [
                "Connector", "CSystem", "Digests", "Media", "Network", "NetworkTypes", "PBXPlan", "SIP", "Threading",
            ],
            path: "Sources/Server/PBX", exclude: ["Plan"], swiftSettings: strict),
        room("Recordings", at: "Server/Recordings", uses: ["Connector", "Digests"]),
        room("SQLiteJournal", at: "Server/Journal", uses: ["Connector", "CSystem", "Threading"]),
        room(
            "Gateway", at: "Server/Gateway",
            uses: ["AdapterKit", "Connector", "Digests", "HTTPServer", "Network", "Threading", yams]),
        .executableTarget(
            name: "kommutator",
            dependencies: [
                "AdapterCatalog", "AdapterConformance", "AdapterKit", "AsteriskAdapter", "Connector", "Digests", "DoubleServer",
                "Gateway",
                "HTTPClient", "HTTPServer", "Network", "Numbering", "Processes", "Recordings", "SQLiteJournal", "Streams",
                "Threading",
                "VendorSimulators", "FallbackPBX", "MultifonAdapter", "PBXPlan", "SIPTrunkAdapter",
                "CSystem",
                arguments,
            ],
            path: "Sources/Server/kommutator", swiftSettings: strict),

        // The mirror of Sources.
        .target(
            name: "TestSupport", dependencies: ["Connector", "AdapterKit", "Digests", "Processes", "Threading", "CSystem"],
            path: "Tests/Support",
            swiftSettings: strict),
        // What `kommutator adapter new --kind swift` writes, compiled and tested as it stands.
        .target(
            name: "MyPbxAdapter", dependencies: ["AdapterKit", "Connector", "Digests"],
            path: "Tests/Skeleton/Sources/Adapters/MyPbx", exclude: ["README.md"], swiftSettings: strict),
        .testTarget(
            name: "SkeletonTests", dependencies: ["AdapterConformance", "Connector", "MyPbxAdapter", "Numbering"],
            path: "Tests/Skeleton/Tests/AdapterTests/MyPbx", swiftSettings: strict),
        .executableTarget(
            name: "benchmarks",
            dependencies: [
                "AdapterCatalog", "AdapterConformance", "AdapterKit", "Connector", "TestSupport", "VendorSimulators",
                "CSystem", "DoubleServer", "Gateway", "HTTPClient", "HTTPServer", "Media", "Network", "NetworkTypes", "SIP",
                "SQLiteJournal", "Streams",
            ],
            path: "Tests/Benchmarks", exclude: ["Baseline.md"], swiftSettings: strict),
        .testTarget(
            name: "ConnectorTests", dependencies: ["Connector", "Threading", "TestSupport"], swiftSettings: strict),
        .testTarget(
            name: "AdapterTests",
            dependencies: [
                "AdapterKit", "AsteriskAdapter", "BeelineAdapter", "MangoAdapter", "MappedAdapter", "MegafonVATSAdapter",
                "ProgramAdapter",
                "TelphinAdapter",
                "ZadarmaAdapter",
                "MultifonAdapter", "PBXAdapter", "SIPTrunkAdapter",
                "AdapterCatalog",
                "AdapterConformance",
                "VendorSimulators",
                "Connector", "Digests", "DoubleServer", "Gateway", "HTTPClient", "HTTPServer", "Network", "Numbering",
                "Processes", "Streams",
                "TestSupport",
            ], swiftSettings: strict),
        .testTarget(
            name: "ServerTests",
            dependencies: [
                "Digests", "Threading", "Network", "NetworkTypes", "HTTPServer", "HTTPClient", "SQLiteJournal", "Gateway",
                "Numbering",
                "Processes", "Media", "Recordings", "SIP", "Connector", "CSystem", "Streams", "TestSupport", "PBXPlan",
                "AdapterKit",
                "FallbackPBX",
            ], swiftSettings: strict),
        .testTarget(
            name: "EndToEnd",
            dependencies: [
                "kommutator", "AdapterConformance", "AdapterKit", "Connector", "Digests", "CSystem", "TestSupport",
                "DoubleServer", "HTTPClient", "HTTPServer", "Network", "NetworkTypes", "SIP", "VendorSimulators",
            ], swiftSettings: strict),
    ],
    swiftLanguageModes: [.v6],
    cxxLanguageStandard: .cxx17
)
