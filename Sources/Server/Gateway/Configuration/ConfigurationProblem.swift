/// One thing that is wrong with a configuration file: where, what, and what would mend it. Never carries a secret.
package struct ConfigurationProblem: Error, Sendable, Equatable, CustomStringConvertible {
    package var file: String
    /// From 1; 0 where the problem is with the file as a whole.
    package var line: Int
    /// In characters, from 1; 0 where the problem is with the file as a whole.
    package var column: Int
    package var problem: String
    package var hint: String

    package init(file: String, line: Int = 0, column: Int = 0, problem: String, hint: String) {
        self.file = file
        self.line = line
        self.column = column
        self.problem = problem
        self.hint = hint
    }

    /// `adapters.d/sales.yaml:4:3: unknown key \`api_kye\`; did you mean \`api_key\`?`
    package var description: String {
        "\(line > 0 ? "\(file):\(line):\(column)" : file): \(problem); \(hint)"
    }
}
