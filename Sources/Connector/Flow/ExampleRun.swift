/// Runs the examples of a connection's file: decodes their requests, folds the events, and compares fields of the record.
///
/// Whether a request is genuine is not asked: an example knows no secret.
package struct ExampleRun {
    private let adapter: any TelephonyAdapter
    private let profile: ConnectionProfile
    private let numbering: any NumberingPlan

    package init(_ adapter: any TelephonyAdapter, profile: ConnectionProfile, numbering: any NumberingPlan) {
        self.adapter = adapter
        self.profile = profile
        self.numbering = numbering
    }

    /// What did not come out as the examples say, each at its place.
    package func problems() -> [SettingTreeError.Problem] { adapter.examples.flatMap(problems) }

    private func problems(of example: AdapterExample) -> [SettingTreeError.Problem] {
        var history = CallHistory()
        var keys: Set<ExternalKey> = []
        var problems: [SettingTreeError.Problem] = []
        let decoder = adapter.makeDecoder()
        for (number, request) in example.requests.enumerated() {
            for decoded in decoder.decode(arrived(request, number)) {
                switch decoded {
                case .call(let event):
                    let names = event.keys.filter(\.kind.namesOneCall)
                    if !keys.isEmpty, keys.isDisjoint(with: names) {
                        problems.append(Self.stranger(number, example))
                        continue
                    }
                    keys.formUnion(names)
                    history.insert(event)
                case .undecoded(let reason): problems.append(Self.unread(number, example, reason))
                case .command, .signal, .ignored: break
                }
            }
        }
        guard !history.events.isEmpty else { return problems + Self.silent(example) }
        return problems + differences(example, from: history)
    }

    /// The request with what the gateway would give it.
    private func arrived(_ request: RawRecord, _ number: Int) -> RawRecord {
        var raw = request
        raw.id = RawID(time: request.receivedAt, rest: UInt128(number))
        raw.position = Int64(number) + 1
        raw.connection = profile.id
        return raw
    }

    private func differences(_ example: AdapterExample, from history: CallHistory) -> [SettingTreeError.Problem] {
        let createdAt = example.requests.first?.receivedAt ?? .earliest
        let record = CallFold.record(
            of: history, id: CallID(time: createdAt, rest: 0), createdAt: createdAt, profile: profile, numbering: numbering)
        // Written by us a line above: it is JSON.
        guard let text = try? JSONText(record.json()) else { return [] }
        return example.expectations.compactMap { expectation in
            guard let node = Self.node(expectation.path, in: text.root) else {
                return .init(
                    at: expectation.place, "the record of example `\(example.name)` has no `\(expectation.path)`",
                    hint: "a call record's fields are listed in /openapi.json")
            }
            let found = Self.text(of: node)
            guard found != expectation.value else { return nil }
            return .init(
                at: expectation.place,
                "example `\(example.name)`: `\(expectation.path)` is \(Self.shown(found)), not \(Self.shown(expectation.value))",
                hint: "mend the mapping, or what the example expects")
        }
    }

    /// The node that `path` leads to; nil where a step leads nowhere.
    private static func node(_ path: String, in root: JSONNode) -> JSONNode? {
        var node = root
        for step in path.split(separator: ".", omittingEmptySubsequences: false) {
            if node.isArray {
                let elements = node.elements
                guard let place = DecimalInteger.parse(step.utf8), elements.indices.contains(place) else { return nil }
                node = elements[place]
            } else {
                node = node[dynamic: String(step)]
            }
            guard node.exists else { return nil }
        }
        return node
    }

    private static func text(of node: JSONNode) -> String? {
        if node.isNull { return nil }
        return node.string ?? String(decoding: node.source, as: UTF8.self)
    }

    private static func shown(_ value: String?) -> String { value.map { "`\($0)`" } ?? "null" }

    // MARK: Problems

    private static func stranger(_ number: Int, _ example: AdapterExample) -> SettingTreeError.Problem {
        .init(
            at: example.place, "request \(number + 1) of example `\(example.name)` is of another call than the first",
            hint: "write one example for each call, or see what the mapping takes for the call's key")
    }

    private static func unread(_ number: Int, _ example: AdapterExample, _ reason: String) -> SettingTreeError.Problem {
        .init(
            at: example.place, "request \(number + 1) of example `\(example.name)` cannot be read: \(reason)",
            hint: "mend the mapping, or the request")
    }

    private static func silent(_ example: AdapterExample) -> [SettingTreeError.Problem] {
        guard !example.expectations.isEmpty else { return [] }
        return [
            .init(
                at: example.place, "example `\(example.name)` makes no call",
                hint: "list its events under `events:`, or leave `record:` out")
        ]
    }
}
