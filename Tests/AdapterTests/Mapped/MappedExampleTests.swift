import AdapterCatalog
import AdapterConformance
import Connector
import Numbering
import Testing

@Suite struct MappedExampleTests {
    @Test func `the shipped sample is without fault, and its examples come out`() throws {
        let entry = try FixtureCases.sampleEntry()
        #expect(entry.problems == [])
        let adapter = try #require(entry.adapter)
        #expect(adapter.examples.map(\.name) == ["an answered call", "a call that nobody took"])
        #expect(entry.settings.profile.provider == "simple-pbx")
        #expect(adapter.descriptor.headers == ["content-type", "x-simple-signature"])
        let problems = ExampleRun(adapter, profile: entry.settings.profile, numbering: WorldNumberingPlan()).problems()
        #expect(problems == [])
    }

    /// What an example says wrongly, or the mapping reads wrongly, is told with its line.
    @Test(arguments: [
        (
            "record: {disposition: missed}", #"{"event":"over","id":"1","why":"x"}"#,
            "12:16: example `a`: `disposition` is `answered`, not `missed`"
        ),
        ("record: {answered: yes}", #"{"event":"over","id":"1"}"#, "12:16: the record of example `a` has no `answered`"),
        (
            "record: {legs.0.result: talked}", #"{"event":"over","id":"1"}"#,
            "12:16: the record of example `a` has no `legs.0.result`"
        ),
        ("record: {state: ended}", #"{"event":"unheard","id":"1"}"#, "10:7: example `a` makes no call"),
        ("record: {state: null}", #"{"event":"over","id":"1"}"#, "12:16: example `a`: `state` is `ended`, not null"),
        ("record: {state: ended}", "{", "10:7: request 1 of example `a` cannot be read: fields: badJSON at byte 1"),
    ])
    func `an example that does not come out names its place`(record: String, body: String, expected: String) throws {
        let problems = try problems(requests: [body], record: record)
        #expect(problems.contains { $0.hasPrefix(expected) }, "\(problems)")
    }

    @Test func `an example is about one call`() throws {
        let problems = try problems(
            requests: [#"{"event":"over","id":"1"}"#, #"{"event":"over","id":"2"}"#], record: "record: {state: ended}")
        #expect(problems == ["10:7: request 2 of example `a` is of another call than the first"])
    }

    @Test func `an example that comes out says nothing`() throws {
        #expect(
            try problems(requests: [#"{"event":"over","id":"1"}"#], record: "record: {state: ended, ended_by: unknown}") == [])
    }

    private func problems(requests: [String], record: String) throws -> [String] {
        let list = requests.map { "{received_at: 2026-11-02T07:15:20Z, body: '\($0)'}" }.joined(separator: ", ")
        let bench = try MappedWorkbench(
            """
            vendor: shop-pbx
            format: json
            authentication: {type: token, header: X-Token}
            event: event
            call: {key: id}
            events:
              over: {type: call.ended, ending: {reason: {value: normal}, answered: {value: yes}}}
            examples:
              - name: a
                requests: [\(list)]
                \(record)
            """)
        let profile = ConnectionProfile(id: ConnectionID("shop"), provider: "shop-pbx")
        return ExampleRun(bench.adapter, profile: profile, numbering: WorldNumberingPlan()).problems()
            .map { "\($0.place.line):\($0.place.column): \($0.problem)" }
    }
}
