import AdapterKit
import Connector

/// The suite that every adapter passes: what the contract promises, tried on recorded requests and on ruined ones.
///
/// The command line runs it over an operator's own cases, the tests over all fixtures. It takes what an adapter accepts as given;
/// whether the record is right is for the cases' expected records to say.
package struct ConformanceSuite {
    private let adapter: any TelephonyAdapter.Type
    private let connection = ConnectionID("conformance")
    /// Loads the adapter's sample in `adapters.d`, where there is a configuration loader to try; throws what is wrong with it.
    private let loadSample: ((AdapterDescriptor) throws -> Void)?

    /// What events are folded with; nil runs neither the examples of a described vendor's file nor faults.
    private let numbering: (any NumberingPlan)?
    /// nil tries none.
    private let faults: FaultPlan?
    /// What the adapter may use.
    private let context: AdapterContext

    /// How many bytes of each request are tried when bytes are changed one at a time.
    private let placesPerRequest: Int

    package init(
        _ adapter: any TelephonyAdapter.Type, placesPerRequest: Int = 48, context: AdapterContext = AdapterContext(),
        numbering: (any NumberingPlan)? = nil, faults: FaultPlan? = nil, loadSample: ((AdapterDescriptor) throws -> Void)? = nil
    ) {
        self.context = context
        self.numbering = numbering
        self.faults = numbering == nil ? nil : faults
        self.adapter = adapter
        self.placesPerRequest = placesPerRequest
        self.loadSample = loadSample
    }

    package func run(_ cases: [ConformanceCase]) -> ConformanceReport {
        var report = ConformanceReport(adapter: adapter.descriptor.name)
        report.seed = faults?.seed
        checkDescriptor(&report)
        for (number, recorded) in cases.enumerated() {
            faults?.progress(recorded.name, number, cases.count)
            do {
                let bench = try ConformanceWorkbench(
                    adapter, connection, recorded, placesPerRequest: placesPerRequest, context: context)
                check(bench, recorded, &report)
            } catch {
                report.add("takes the case's settings", in: recorded.name, ["\(error)"])
            }
        }
        return report
    }

    private func check(_ bench: ConformanceWorkbench, _ recorded: ConformanceCase, _ report: inout ConformanceReport) {
        if let refusals = recorded.refusals {
            report.add("refuses with the expected status", in: recorded.name, bench.failuresOfRefusing(refusals))
        } else {
            report.add("accepts what is genuine", in: recorded.name, bench.failuresOfAccepting())
            report.add("refuses what was changed", in: recorded.name, bench.failuresOfChanging())
            report.add("reads the same twice", in: recorded.name, bench.failuresOfRepeating())
            report.add("tells events apart", in: recorded.name, bench.failuresOfTellingApart())
            report.add("goes on with fields it does not know", in: recorded.name, bench.failuresOfExtraFields())
            report.add("keeps fields it does not know", in: recorded.name, bench.failuresOfKeeping())
            tryFaults(bench, recorded, &report)
        }
        if let numbering, bench.hasExamples {
            report.add("its examples come out", in: recorded.name, bench.failuresOfExamples(numbering))
        }
        report.add("makes something of every ruined body", in: recorded.name, bench.failuresOfRuining())
        report.add("keeps secrets and numbers out of its reasons", in: recorded.name, bench.failuresOfTalking())
        report.add("works", in: recorded.name, bench.failuresOfWorking)
    }

    // MARK: Faults

    private func tryFaults(_ bench: ConformanceWorkbench, _ recorded: ConformanceCase, _ report: inout ConformanceReport) {
        guard let faults, let numbering else { return }
        let trial = FaultTrial(bench, numbering: numbering)
        report.add("its records keep the rules", in: recorded.name, trial.failure().map { [$0.what] } ?? [])
        for fault in faults.faults {
            guard faults.mayGoOn() else {
                report.untried += 1
                return
            }
            var dice = Dice(seed: faults.seed, recorded.name, fault.rawValue)
            let runs = fault.runs(of: trial.arrivals, count: faults.runsPerCase, dice: &dice)
            guard !runs.isEmpty else { continue }
            let failure = runs.lazy.compactMap(trial.failure).first
            report.add(
                fault, runs: runs.count,
                failure.map { .init(caseName: recorded.name, what: $0.what, reproduction: $0.arrivals.map(\.name)) })
        }
    }

    // MARK: The adapter as a whole

    private func checkDescriptor(_ report: inout ConformanceReport) {
        let descriptor = adapter.descriptor
        var failures: [String] = []
        if !ConnectionID.isSlug(descriptor.name) { failures.append("the name is no slug") }
        if !ConnectionID.isSlug(descriptor.provider) { failures.append("the provider is no slug") }
        let names = descriptor.settings.map(\.name)
        if Set(names).count != names.count { failures.append("two settings have the same name") }
        let needed = descriptor.hearing == .webhooks ? CommonSettings.all : [CommonSettings.defaultCountry]
        for common in needed where !names.contains(common.name) { failures.append("\(common.name) is missing") }
        if descriptor.headers.contains(where: { $0 != $0.lowercased() }) { failures.append("a header is not in lower case") }
        report.add("describes itself", failures)
        report.add("asks for the settings it needs", failuresOfMissingSettings())
        guard let loadSample else { return }
        do {
            try loadSample(descriptor)
            report.add("its sample loads", [])
        } catch {
            report.add("its sample loads", ["\(error)"])
        }
    }

    /// What the gateway keeps for itself it also asks for itself.
    private func failuresOfMissingSettings() -> [String] {
        let common = CommonSettings.all.map(\.name)
        let required = adapter.descriptor.settings.filter { $0.isRequired && !common.contains($0.name) }.map(\.name)
        return required.compactMap { missing in
            let others = Dictionary(uniqueKeysWithValues: required.filter { $0 != missing }.map { ($0, "x") })
            do {
                _ = try adapter.init(settings: AdapterSettings(connection: connection, values: others))
                return "does without \(missing)"
            } catch let error as SettingsError {
                return error.setting == missing ? nil : "names \(error.setting) where \(missing) is missing"
            } catch {
                return "throws no SettingsError where \(missing) is missing"
            }
        }
    }
}
