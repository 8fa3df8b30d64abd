import Connector

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

    /// What came of one fault, over all cases.
    package struct FaultRow: Sendable, Equatable {
        package var fault: Fault
        /// Cases that were tried with it.
        package var cases = 0
        /// How often they were played.
        package var runs = 0
        package var failures: [FaultFailure] = []

        package var passed: Int { cases - failures.count }
    }

    /// A case that a fault broke.
    package struct FaultFailure: Sendable, Equatable {
        package var caseName: String
        /// What did not hold: with its number where it is a rule of the record.
        package var what: String
        /// The shortest run that shows it: numbers of the requests in `requests.json`, from 1, and what was done to them.
        package var reproduction: [String]
    }

    package var adapter: String
    /// What the faults were thrown with; nil where none were tried.
    package var seed: UInt64?
    package var checks: [Check] = []
    package var faults: [FaultRow] = []
    /// Cases with faults that were left out because the time was over.
    package var untried = 0

    package init(adapter: String) { self.adapter = adapter }

    package var passed: Bool { failures.isEmpty && faults.allSatisfy(\.failures.isEmpty) }
    package var failures: [Check] { checks.filter { !$0.passed } }

    /// Records a check; of many failures the first few are kept.
    mutating func add(_ rule: String, in caseName: String? = nil, _ failures: [String]) {
        checks.append(Check(rule: rule, caseName: caseName, failures: Array(failures.prefix(5))))
    }

    /// Records how a case did with a fault.
    mutating func add(_ fault: Fault, runs: Int, _ failure: FaultFailure?) {
        let place = faults.firstIndex { $0.fault == fault } ?? faults.endIndex
        if place == faults.endIndex { faults.append(FaultRow(fault: fault)) }
        faults[place].cases += 1
        faults[place].runs += runs
        if let failure { faults[place].failures.append(failure) }
    }
}

// MARK: - For people

extension ConformanceReport {
    /// A line for each check that failed, a table of the faults, and one line that counts.
    package var summary: String {
        let failed = failures.map { check in
            "FAILED \(adapter) \(check.caseName ?? ""): \(check.rule): \(check.failures.joined(separator: "; "))"
        }
        return (failed + faults.flatMap(lines) + faultTable + untriedLines + [count]).joined(separator: "\n")
    }

    private func lines(_ row: FaultRow) -> [String] {
        row.failures.flatMap { failure in
            [
                "FAILED \(adapter) \(failure.caseName), \(row.fault.title): \(failure.what)",
                "       with the requests: \(failure.reproduction.joined(separator: ", "))",
            ]
        }
    }

    private var faultTable: [String] {
        guard let seed, !faults.isEmpty else { return [] }
        let rows = faults.map { row in
            "  " + Self.padded(row.fault.title, 14) + Self.padded("\(row.cases)", 7) + Self.padded("\(row.runs)", 7)
                + "\(row.passed)"
        }
        return ["\(adapter), faults with seed \(seed)", "  fault         cases  runs   passed"] + rows
    }

    private static func padded(_ text: String, _ width: Int) -> String {
        text + String(repeating: " ", count: max(1, width - text.count))
    }

    private var untriedLines: [String] {
        untried == 0 ? [] : ["\(adapter): the time was over before \(untried) cases were tried with all faults"]
    }

    private var count: String {
        let all = checks.count + faults.reduce(0) { $0 + $1.cases }
        let failed = failures.count + faults.reduce(0) { $0 + $1.failures.count }
        return "\(adapter): \(all - failed) of \(all) checks passed"
    }
}

// MARK: - For programs

extension ConformanceReport {
    package var json: JSONValue {
        [
            "adapter": .string(adapter), "passed": .bool(passed), "seed": seed.map { .number(String($0)) } ?? .null,
            "checks": .array(checks.map(Self.json)), "faults": .array(faults.map(Self.json)),
            "untried": .number(String(untried)),
        ]
    }

    private static func json(_ check: Check) -> JSONValue {
        [
            "rule": .string(check.rule), "case": check.caseName.map { .string($0) } ?? .null, "passed": .bool(check.passed),
            "failures": .array(check.failures.map { .string($0) }),
        ]
    }

    private static func json(_ row: FaultRow) -> JSONValue {
        let failures = row.failures.map { failure -> JSONValue in
            [
                "case": .string(failure.caseName), "what": .string(failure.what),
                "requests": .array(failure.reproduction.map { .string($0) }),
            ]
        }
        return [
            "fault": .string(row.fault.rawValue), "cases": .number(String(row.cases)), "runs": .number(String(row.runs)),
            "passed": .number(String(row.passed)), "failures": .array(failures),
        ]
    }
}
