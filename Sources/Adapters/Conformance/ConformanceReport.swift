/// What the suite found.
package struct ConformanceReport: Sendable, Equatable {
    /// One check of one case.
    package struct Check: Sendable, Equatable {
        /// What must hold, as a sentence.
        package var rule: String
        /// The case it was tried on; nil for what concerns the adapter as a whole.
        package var caseName: String?
        /// What was found instead; empty where the check passed. Carries neither secrets nor bodies.
        package var failures: [String]

        package var passed: Bool { failures.isEmpty }
    }

    package var adapter: String
    package var checks: [Check] = []

    package init(adapter: String) { self.adapter = adapter }

    package var passed: Bool { checks.allSatisfy(\.passed) }
    package var failures: [Check] { checks.filter { !$0.passed } }

    /// Records a check; of many failures the first few are kept.
    mutating func add(_ rule: String, in caseName: String? = nil, _ failures: [String]) {
        checks.append(Check(rule: rule, caseName: caseName, failures: Array(failures.prefix(5))))
    }

    /// A line for each check that failed, and one that counts.
    package var summary: String {
        let lines = failures.map { check in
            "FAILED \(adapter) \(check.caseName ?? ""): \(check.rule): \(check.failures.joined(separator: "; "))"
        }
        return (lines + ["\(adapter): \(checks.count - lines.count) of \(checks.count) checks passed"]).joined(separator: "\n")
    }
}
