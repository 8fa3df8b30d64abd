import Testing

@testable import HTTPServer

/// Paths and patterns.
struct RouterTests {
    private static let router: Router = {
        var router = Router()
        for pattern in [
            "/", "/calls", "/calls/{id}", "/calls/recent", "/calls/{id}/events", "/hooks/{connection}/{rest...}", "/a/{x}/c",
            "/a/b/{y}",
        ] {
            router.get(pattern) { _ in .text(pattern) }
        }
        return router
    }()

    struct Case: Sendable {
        var path: String
        var route: Int?
        var parameters: [String] = []
    }

    static let cases: [Case] = [
        Case(path: "/", route: 0),
        Case(path: "/calls", route: 1),
        Case(path: "/calls/7", route: 2, parameters: ["7"]),
        Case(path: "/calls/recent", route: 3),
        Case(path: "/calls/recent/events", route: 4, parameters: ["recent"]),
        Case(path: "/hooks/mango/x/y", route: 5, parameters: ["mango", "x/y"]),
        Case(path: "/hooks/mango", route: 5, parameters: ["mango", ""]),
        Case(path: "/hooks/mango/", route: 5, parameters: ["mango", ""]),
        Case(path: "/a/z/c", route: 6, parameters: ["z"]),
        Case(path: "/a/b/c", route: 7, parameters: ["c"]),
        Case(path: "/calls/"), Case(path: "/nothing"), Case(path: "/hooks"), Case(path: "//"), Case(path: ""), Case(path: "*"),
        Case(path: "/a/b"),
    ]

    @Test(arguments: cases)
    func `a path finds its pattern`(_ expected: Case) {
        let bytes = Array(("GET " + expected.path).utf8)
        bytes.withUnsafeBytes { raw in
            let view = ByteView(raw)
            guard case .found(_, let match) = Self.router.decide(.get, path: view[4..<view.count], pathStart: 4) else {
                #expect(expected.route == nil)
                return
            }
            #expect(match.route == expected.route)
            let found = (0..<match.parameterCount).map { index in
                let piece = match.parameters[index]
                return view[Int(piece.start)..<Int(piece.start) + Int(piece.length)].string
            }
            #expect(found == expected.parameters)
        }
    }

    @Test func `a path of many segments is looked at once`() {
        let path = Array(String(repeating: "/calls", count: 2000).utf8)
        path.withUnsafeBytes { raw in
            guard case .notFound = Self.router.decide(.get, path: ByteView(raw), pathStart: 0) else {
                Issue.record("found")
                return
            }
        }
    }

    @Test(arguments: [
        (0, "Thu, 01 Jan 1970 00:00:00 GMT"), (784_111_777, "Sun, 06 Nov 1994 08:49:37 GMT"),
        (1_709_210_096, "Thu, 29 Feb 2024 12:34:56 GMT"),
    ])
    func `dates are written as HTTP writes them`(seconds: Int64, text: String) {
        #expect(DateStamp.text(secondsSince1970: seconds) == text)
    }
}
