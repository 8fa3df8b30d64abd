/// A program adapter that works: what `kommutator adapter new` writes.
struct ProgramSkeleton: Skeleton {
    enum Language: String, CaseIterable {
        case python, php

        /// The program that runs it.
        var interpreter: String { self == .python ? "python3" : "php" }
        var fileName: String { self == .python ? "my_pbx.py" : "my_pbx.php" }
    }

    let name: String
    var language = Language.python

    var files: [(path: String, text: String)] {
        [
            (language.fileName, language == .python ? Self.python : Self.php), ("\(name).yaml", connection),
            ("README.md", readme),
            ("cases/inbound-answered/requests.json", Self.requests), ("cases/inbound-answered/settings.yaml", Self.settings),
            ("cases/inbound-answered/source.md", "Made up with the skeleton: replace it by what your telephone system sends.\n"),
            ("cases/rejected/requests.json", Self.rejectedRequests), ("cases/rejected/settings.yaml", Self.settings),
            ("cases/rejected/error.txt", "401\n"), ("cases/rejected/source.md", "A webhook without the token.\n"),
        ]
    }

    var interpreter: String? { language.interpreter }

    private var connection: String {
        """
        # Copy this file and \(language.fileName) into adapters.d, put the token into secrets/\(name)-token there, and set `enabled: true`.
        # It then listens on /hooks/\(name).
        adapter: program
        enabled: false
        settings:
          command: [\(language.interpreter), \(language.fileName)]
          auth: header
          auth_name: x-my-pbx-token
          auth_secret: file:secrets/\(name)-token

        """
    }

    private var readme: String {
        """
        # \(name)

        A program adapter for Kommutator: `\(language.fileName)` is asked one JSON object a line, and answers with one.

        1. Put what your telephone system really sends into `cases/<name>/requests.json`, with the numbers made up.
        2. Change `read` in `\(language.fileName)` until it says what happened, and the functions behind it if it shall make calls, find
           recordings or ask for a log.
        3. `kommutator adapter test .` tries all cases: as they are, changed, repeated, lost, late, cut short.
        4. Copy `\(language.fileName)` and `\(name).yaml` into `adapters.d`, and `kommutator check`.

        What the lines say is in "Program adapters" of Kommutator's documentation.

        """
    }

    /// What the connection's file does not say, or what is a secret there.
    private static let settings = """
        auth_secret: made-up-token-1
        answer_within: 10s

        """

    private static let requests = #"""
        [
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json", "X-My-PBX-Token": "made-up-token-1"},
          "body": "{\"event\":\"ringing\",\"call\":\"c-1\",\"direction\":\"in\",\"at\":\"2026-11-02T07:15:20Z\",\"from\":\"79000000101\",\"to\":\"101\"}",
          "received_at": "2026-11-02T07:15:20.300Z"},
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json", "X-My-PBX-Token": "made-up-token-1"},
          "body": "{\"event\":\"answered\",\"call\":\"c-1\",\"direction\":\"in\",\"at\":\"2026-11-02T07:15:27Z\",\"from\":\"79000000101\",\"to\":\"101\"}",
          "received_at": "2026-11-02T07:15:27.300Z"}
        ]

        """#

    private static let rejectedRequests = #"""
        [
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/json"}, "body": "{}",
          "received_at": "2026-11-02T07:15:20.300Z"}
        ]

        """#
}
