import Connector
import Testing
import TestSupport

@testable import Gateway

@Suite struct ConnectionFileTests {
    private static let directory = ConnectionDirectory(
        path: "adapters.d", adapters: [BellAdapter.self], environment: ["BELL_KEY": "hush", "HOOK": "0123456789abcdef"])

    private func read(_ text: String) -> ConnectionDirectory.Entry {
        Self.directory.read(text, file: "adapters.d/sales.yaml", as: ConnectionID("sales"))
    }

    @Test func `a whole file becomes settings, with the standard limits`() {
        let entry = read(
            """
            adapter: bell
            tenant: shop
            settings:
              key: env:BELL_KEY
              url_token: env:HOOK
              allow_from: [203.0.113.0/24, "2001:db8::/32"]
              default_country: KZ
            lines:
              "+74950000001": {label: "site", channel: "yandex-direct"}
            employees:
              101: {name: "Иван Петров", crm_id: 17}
              "102":
            limits: {stale_after: 2h}
            """)
        #expect(entry.problems == [])
        #expect(entry.adapter != nil)
        let profile = entry.settings.profile
        #expect(profile.tenant == TenantID("shop"))
        #expect(profile.provider == "bell")
        #expect(profile.defaultCountry == "KZ")
        #expect(profile.lines == ["+74950000001": .init(label: "site", channel: "yandex-direct")])
        #expect(profile.employees == ["101": .init(name: "Иван Петров", crmID: "17"), "102": .init()])
        #expect(profile.staleAfter == .seconds(7200))
        #expect(profile.settleAfter == .seconds(30))
        #expect(profile.finalizeAfter == .seconds(86_400))
        #expect(entry.settings.values == ["key": "hush", "time_zone": "Europe/Moscow"])
        #expect(entry.settings.urlToken == "0123456789abcdef")
        #expect(entry.settings.allowedNetworks.map(\.description) == ["203.0.113.0/24", "2001:db8::/32"])
    }

    @Test func `the vendor may be called otherwise than the adapter, and a common setting may be required`() {
        let directory = ConnectionDirectory(path: "adapters.d", adapters: [SwitchboardAdapter.self], environment: [:])
        let entry = directory.read("adapter: switchboard", file: "adapters.d/sales.yaml", as: ConnectionID("sales"))
        #expect(entry.settings.profile.provider == "exchange")
        #expect(
            entry.problems.map(\.description) == [
                "adapters.d/sales.yaml:1:1: the setting `url_token` is missing; add it under `settings:`: the only secret"
            ])
    }

    @Test func `how the history is asked for may be said, or that it is not`() {
        let settings = "adapter: bell\nsettings: {key: env:BELL_KEY}\n"
        #expect(read(settings).settings.profile.reconciling == ReconcilingPlan())
        #expect(read(settings + "reconcile: false").settings.profile.reconciling.isEnabled == false)
        #expect(read(settings + "reconcile: true").settings.profile.reconciling == ReconcilingPlan())
        let plan = read(settings + "reconcile: {every: 5m, window: 4h, longest: 30d}").settings.profile.reconciling
        #expect(
            plan == ReconcilingPlan(every: .seconds(300), window: .seconds(14_400), longest: .seconds(30 * 86_400)))
    }

    @Test(arguments: [
        ("reconcile: sometimes", "3:12: `reconcile` is neither true nor false; write true or false"),
        ("reconcile: {every: 1s}", "3:20: `every` is too short or too long; write 1m to 24h"),
        (
            "reconcile: {longest: 40d}",
            "3:22: `longest` is too short or too long; write 1h to 31d: providers give a month at most"
        ),
        (
            "reconcile: {window: 3d, longest: 2d}",
            "3:1: `longest` is shorter than `window`; a pull reaches back by `window` at least"
        ),
    ])
    func `a pace that no provider stands is refused`(text: String, problem: String) {
        let entry = read("adapter: bell\nsettings: {key: env:BELL_KEY}\n" + text)
        #expect(entry.problems.map(\.description) == ["adapters.d/sales.yaml:" + problem])
    }

    @Test func `networks may be one text with commas`() {
        let entry = read("adapter: bell\nsettings: {key: env:BELL_KEY, allow_from: \"10.0.0.1, 10.1.0.0/16\"}")
        #expect(entry.problems == [])
        #expect(entry.settings.allowedNetworks.map(\.description) == ["10.0.0.1/32", "10.1.0.0/16"])
    }

    @Test func `what may be shown of settings holds no secret`() {
        let entry = read("adapter: bell\nsettings: {key: env:BELL_KEY, url_token: env:HOOK, tone: low}")
        #expect(entry.settings.shownSettings.map(\.value) == ["env:BELL_KEY", "env:HOOK", "low"])
    }

    @Test func `a disabled connection needs no secrets and makes no adapter`() {
        let entry = read("adapter: bell\nenabled: false\nsettings: {key: env:UNSET}")
        #expect(entry.problems == [])
        #expect(entry.adapter == nil)
    }

    static let badFiles: [(String, String)] = [
        ("", "1:1: `adapter` is missing; write `adapter:` and one of `bell`"),
        ("adapter: bel", "1:10: there is no adapter `bel`; did you mean `bell`? There are: `bell`"),
        ("adapter: zebra", "1:10: there is no adapter `zebra`; There are: `bell`"),
        ("adapter: [bell]", "1:10: `adapter` is a list; write one value"),
        ("adapter: bell\nsettings: {key: env:BELL_KEY}\nenable: true", "3:1: unknown key `enable`; did you mean `enabled`?"),
        ("adapter: bell\nsettings:\n  kye: env:BELL_KEY", "3:3: unknown setting `kye`; did you mean `key`?"),
        (
            "adapter: bell\nsettings:\n  key: hush",
            "3:8: `key`: a secret is written out in the file; refer to it as env:NAME or file:PATH, and change the secret"
        ),
        (
            "adapter: bell\nsettings:\n  key: env:NONE",
            "3:8: `key`: the environment variable `NONE` is not set; set it where the gateway is started"
        ),
        (
            "adapter: bell\nsettings:\n  key: env:N-1",
            "3:8: `key`: `env:N-1` names no environment variable; write env:NAME, as in env:MANGO_KEY"
        ),
        (
            "adapter: bell\nsettings:\n  key: file:absent",
            "3:8: `key`: the secret's file `absent` does not exist; relative paths start at adapters.d, where the settings lie"
        ),
        (
            "adapter: bell\nsettings: {tone: low}",
            "2:1: the setting `key` is missing; add it under `settings:`: the key of the account"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY, tone: hihg}",
            "2:37: `tone`: `hihg` is none of its values; did you mean `high`?"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY, time_zone: Nowhere}",
            "2:42: setting `time_zone` names no zone; write an IANA name"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY, url_token: env:BELL_KEY}",
            "2:42: `url_token` is too short or has characters that a path escapes; take 16 to 128 of A-Z, a-z, 0-9, - and _, as `openssl rand -hex 16` makes them"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY, allow_from: [10.0.0.0/40]}",
            "2:44: `allow_from`: `10.0.0.0/40` is no network; write an address or a network, as in 203.0.113.0/24"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY, default_country: ru}",
            "2:48: `default_country`: `ru` is no country code; write two capital letters of ISO 3166-1, as in RU"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY}\nenabled: yes",
            "3:10: `enabled` is neither true nor false; write true or false"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY}\ntenant: My Shop",
            "3:9: the tenant `My Shop` is no slug; take 1 to 64 of a-z, 0-9, - and _, beginning with a letter or digit"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY}\nlimits: {stale_after: 4 hours}",
            "3:23: `stale_after`: `4 hours` is no duration; write a number and a unit: 30s, 15m, 4h or 30d"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY}\nlimits: {settle_after: 2d}",
            "3:1: `finalize_after` is shorter than `settle_after`; a call settles before it is final"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY}\nlimits: {stale: 4h}",
            "3:10: unknown limit `stale`; known here: `stale_after`, `settle_after`, `finalize_after`"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY}\nlines: {84950000001: {label: a}}",
            "3:9: the line `84950000001` is no number in E.164; write it in quotes with + and country code"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY}\nemployees: [101]",
            "3:12: `employees` is a list; write `key: value` pairs"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY}\nemployees: {101: {nmae: a}}",
            "3:19: unknown key `nmae`; did you mean `name`?"
        ),
        (
            "adapter: bell\nsettings: {key: env:BELL_KEY}\nmapping: {a: b}",
            "3:1: unknown key `mapping`; known here: `adapter`, `enabled`, `tenant`, `settings`, `lines`, `employees`, `limits`, `reconcile`"
        ),
        ("adapter: bell\nadapter: bell", "1:1: `adapter` is given twice; keep one of them"),
        (
            "adapter: bell\n\tsettings: x",
            "2:1: is no valid YAML: found a tab character that violates indentation; check indentation, colons and quotes there"
        ),
        ("- adapter", "1:1: the file is a list; write `key: value` pairs"),
    ]

    @Test(arguments: badFiles) func `a problem names its place and what would mend it`(text: String, expected: String) {
        let entry = read(text)
        #expect(entry.problems.first?.description == "adapters.d/sales.yaml:\(expected)")
        #expect(entry.adapter == nil)
    }

    // MARK: Sections that an adapter reads by itself

    private func readDoors(_ text: String, isEnabled: Bool = true) -> ConnectionDirectory.Entry {
        let directory = ConnectionDirectory(
            path: "adapters.d", adapters: [BellAdapter.self, SwitchboardAdapter.self],
            environment: ["HOOK": "0123456789abcdef", "PIN": "4711"])
        let head = "adapter: switchboard\nenabled: \(isEnabled)\nsettings: {url_token: env:HOOK}\n"
        return directory.read(head + text, file: "adapters.d/doors.yaml", as: ConnectionID("doors"))
    }

    @Test func `a section goes to its adapter as a tree, with its secrets resolved wherever they stand`() throws {
        let entry = readDoors("doors:\n  front: {pin: env:PIN, rings: 101}\n  others: [{pin: env:PIN}]")
        #expect(entry.problems == [])
        let doors = try #require(entry.settings.section?.fields)
        #expect(doors.map(\.name) == ["front", "others"])
        #expect(doors[0].place == SettingTree.Place(line: 5, column: 3))
        #expect(doors[0].value.fields?.map { $0.value.text } == ["4711", "101"])
        #expect(doors[1].value.list?.first?.fields?.first?.value.text == "4711")
        #expect(!entry.settings.shownSettings.contains { $0.value.contains("4711") })
    }

    @Test func `a file that a section's secret lies in is watched, and of a disabled connection it is not read`() throws {
        let entry = readDoors("doors: {front: {pin: \"file:secrets/pin\"}}", isEnabled: false)
        #expect(entry.problems == [])
        #expect(entry.settings.secretFiles == ["adapters.d/secrets/pin"])
        #expect(entry.settings.section?.fields?.first?.value.fields?.first?.value.text == "")
    }

    @Test(arguments: [
        (
            "doors: {front: {pin: 4711}}",
            "4:22: `pin`: a secret is written out in the file; refer to it as env:NAME or file:PATH, and change the secret"
        ),
        (
            "doors: {front: {pin: env:NONE}}",
            "4:22: `pin`: the environment variable `NONE` is not set; set it where the gateway is started"
        ),
        ("doors: {front: {pin: [1]}}", "4:22: `pin` is a list; write one value"),
    ]) func `a section's secrets are judged as those of the settings are`(text: String, expected: String) {
        #expect(readDoors(text).problems.map(\.description) == ["adapters.d/doors.yaml:\(expected)"])
    }

    @Test func `a section of another adapter is refused, and whose it is is told`() {
        let directory = ConnectionDirectory(
            path: "adapters.d", adapters: [BellAdapter.self, SwitchboardAdapter.self], environment: ["BELL_KEY": "hush"])
        let entry = directory.read(
            "adapter: bell\nsettings: {key: env:BELL_KEY}\ndoors: {a: b}", file: "adapters.d/sales.yaml",
            as: ConnectionID("sales"))
        #expect(
            entry.problems.map(\.description) == [
                "adapters.d/sales.yaml:3:1: this adapter takes no `doors`; remove it, or write `adapter: switchboard`"
            ])
    }

    @Test func `all problems of a file are told at once`() {
        let entry = read("adapter: bell\nenabled: maybe\nsettings: {key: env:NONE}\nlimits: {stale_after: x}")
        #expect(entry.problems.map(\.line) == [2, 3, 4])
    }

    @Test func `no problem carries a secret that was written out`() {
        let entry = read("adapter: bell\nsettings: {key: s3cr3t, url_token: t0k3nt0k3nt0k3nt0k3n}")
        #expect(entry.problems.count == 2)
        #expect(!entry.problems.contains { $0.description.contains("s3cr3t") || $0.description.contains("t0k3n") })
    }
}

@Suite struct ServerSettingsTests {
    @Test func `flags win over the file, the file over the standards`() throws {
        let text =
            "listen: [127.0.0.1:9000, \"[::1]:9000\"]\ndata: /srv/data\nloops: 2\nretention: {changes: 7d}\ntls: {cert: c.pem, key: k.pem}"
        let loaded = ServerSettings.read(text, file: "etc/kommutator.yaml")
        let settings = loaded.settings
        #expect(loaded.problems == [])
        #expect(loaded.notes == [])
        #expect(settings.listen.map(\.description) == ["127.0.0.1:9000", "[::1]:9000"])
        #expect(settings.data == "/srv/data")
        #expect(settings.adapters == "adapters.d")
        #expect(settings.loops == 2)
        #expect(settings.changeRetention == .seconds(7 * 86_400))
        #expect(settings.rawRetention == .seconds(90 * 86_400))
        #expect(settings.tls == .init(certificate: "etc/c.pem", key: "etc/k.pem"))
        let flagged = ServerSettings.load(file: nil, flags: ServerFlags(listen: "127.0.0.1:1", data: "here"))
        #expect(flagged.problems == [])
        #expect(flagged.settings.listen.map(\.description) == ["127.0.0.1:1"])
        #expect(flagged.settings.data == "here")
    }

    @Test(arguments: [
        ("lisen: x", "1:1: unknown key `lisen`; did you mean `listen`?"),
        ("listen: 8080", "1:9: `listen`: `8080` is no address and port; write 127.0.0.1:8080 or [::1]:8080"),
        ("loops: 0", "1:8: `loops` is no whole number from 1 to 256; write a number there"),
        ("tls: {cert: a}", "1:1: `tls` needs both `cert` and `key`; name the two PEM files"),
        ("retention: {changes: 30}", "1:22: `changes`: `30` is no duration; write a number and a unit: 30s, 15m, 4h or 30d"),
        (
            "retention: {raw: 90}",
            "1:18: `raw`: `90` is no duration; write a number and a unit: 30s, 15m, 4h or 30d; 0 means for ever"
        ),
        ("retention: {row: 1d}", "1:13: unknown key `row`; did you mean `raw`?"),
        ("recordings: {at_once: 65}", "1:23: `at_once` is no whole number from 0 to 64; write a number there"),
        ("lookup_url: crm.example", "1:13: `lookup_url`: `crm.example` is no web address; write https://host/path"),
        ("public_url: pbx.example", "1:13: `public_url`: `pbx.example` is no web address; write https://host/path"),
        (
            "public_url: https://pbx.example/?a=1",
            "1:13: `public_url`: `https://pbx.example/?a=1` has more than host and path; write https://host, perhaps with a path"
        ),
        (
            "trusted_proxies: [127.0.0.1, proxy]",
            "1:30: `trusted_proxies`: `proxy` is no network; write an address or a network, as in 203.0.113.0/24"
        ),
        (
            "trusted_proxies: 0.0.0.0/0",
            "1:18: `trusted_proxies`: `0.0.0.0/0` believes everybody, so that whoever calls may choose the address that is seen; name the proxies' own addresses"
        ),
        (
            "trusted_proxies: [\"::/0\"]",
            "1:19: `trusted_proxies`: `::/0` believes everybody, so that whoever calls may choose the address that is seen; name the proxies' own addresses"
        ),
    ]) func `a problem of the server's file names its place`(text: String, expected: String) {
        let problems = ServerSettings.read(text, file: "k.yaml").problems
        #expect(problems.map(\.description) == ["k.yaml:\(expected)"])
    }

    @Test func `proxies and the public address are read`() {
        let text = "trusted_proxies: [127.0.0.1, \"10.0.0.0/8\", \"::1\"]\npublic_url: https://pbx.example:8443/gate/\n"
        let loaded = ServerSettings.read(text, file: "k.yaml")
        #expect(loaded.problems == [])
        #expect(loaded.settings.trustedProxies.map(\.description) == ["127.0.0.1/32", "10.0.0.0/8", "::1/128"])
        #expect(loaded.settings.publicURL == "https://pbx.example:8443/gate")
    }

    // MARK: The CRM that is asked

    private func lookup(_ text: String) -> ServerSettings.Loaded {
        ServerSettings.read(text, file: "etc/k.yaml", environment: ["CRM_SECRET": "whsec_bWFkZSB1cA=="])
    }

    @Test func `a signed lookup is whole, and nothing is said of it`() {
        let loaded = lookup("lookup_url: https://crm.example/who?x=1\nlookup_secret: env:CRM_SECRET\nlookup_cache: 1m")
        #expect(loaded.problems == [])
        #expect(loaded.notes == [])
        #expect(loaded.settings.lookupURL == "https://crm.example/who?x=1")
        #expect(loaded.settings.lookupSecret == "whsec_bWFkZSB1cA==")
        #expect(loaded.settings.lookupKept == .seconds(60))
        #expect(lookup("loops: 1").settings.lookupKept == .seconds(300))
        #expect(lookup("lookup_cache: 0").settings.lookupKept == .zero)
    }

    @Test func `a lookup that others could put, or read, is noted and is no problem`() {
        let unsigned = lookup("loops: 2\nlookup_url: https://crm.example/who")
        #expect(unsigned.problems == [])
        #expect(unsigned.notes.map(\.line) == [2])
        #expect(
            unsigned.notes.first?.problem == "questions to `lookup_url` are not signed: the CRM cannot tell them from others'")
        let open = lookup("lookup_url: http://crm.example/who\nlookup_secret: env:CRM_SECRET")
        #expect(open.notes.map(\.problem) == ["numbers travel to `lookup_url` without encryption"])
        #expect(lookup("lookup_url: http://127.0.0.1:8090/\nlookup_secret: env:CRM_SECRET").notes == [])
        #expect(
            lookup("lookup_secret: env:CRM_SECRET").notes.map(\.problem) == [
                "`lookup_secret` signs nothing: there is no `lookup_url`"
            ])
    }

    @Test(arguments: [
        ("lookup_secret: hunter2hunter2", "a secret is written out in the file"),
        ("lookup_secret: env:NO_SUCH", "the environment variable `NO_SUCH` is not set"),
        ("lookup_secret: file:none", "the secret's file `none`"), ("lookup_url: crm", "is no web address"),
        ("lookup_cache: soon", "is no duration"),
    ])
    func `a lookup that cannot be is a problem, without the secret`(text: String, problem: String) {
        let problems = lookup(text).problems
        #expect(problems.count == 1)
        #expect(problems.first?.description.contains(problem) == true)
        #expect(problems.first?.description.contains("hunter2") == false)
    }

    @Test(arguments: [("365d", Duration.seconds(365 * 86_400)), ("0", nil)])
    func `recordings are kept for good, or for a time`(text: String, expected: Duration?) {
        let loaded = ServerSettings.read("retention: {recordings: \(text)}\nrecordings: {at_once: 7}", file: "k.yaml")
        #expect(loaded.problems == [])
        #expect(loaded.settings.recordingRetention == expected)
        #expect(loaded.settings.recordingConcurrency == 7)
        #expect(ServerSettings.standard.recordingRetention == nil)
        #expect(ServerSettings.standard.recordingConcurrency == 4)
    }

    @Test(arguments: [("7d", Duration.seconds(7 * 86_400)), ("0", nil)])
    func `raw requests are kept for a time, or with 0 for good`(text: String, expected: Duration?) {
        let loaded = ServerSettings.read("retention: {raw: \(text)}", file: "k.yaml")
        #expect(loaded.problems == [])
        #expect(loaded.settings.rawRetention == expected)
        #expect(loaded.settings.changeRetention == .seconds(30 * 86_400))
    }

    @Test func `a file that is named and missing is a problem`() {
        let problems = ServerSettings.load(file: "/nonexistent/k.yaml", flags: ServerFlags()).problems
        #expect(problems.map(\.problem) == ["does not exist"])
    }
}

/// A vendor that signs nothing, and whose calls go by another name.
private struct SwitchboardAdapter: TelephonyAdapter {
    static let descriptor = AdapterDescriptor(
        name: "switchboard", provider: "exchange", title: "Switchboard", version: "1",
        settings: [SettingSpecification("url_token", .secret, isRequired: true, help: "the only secret")], headers: [],
        section: SectionSpecification("doors", secrets: ["pin"]))

    init(settings: AdapterSettings) {}

    func makeAuthenticator() -> any WebhookAuthenticator { SwitchboardGate() }

    func makeDecoder() -> any EventDecoder { SwitchboardDecoder() }
}

private final class SwitchboardGate: WebhookAuthenticator {
    func authenticate(_ request: WebhookRequest) -> Authentication { .accept(.ok) }
}

private final class SwitchboardDecoder: EventDecoder {
    func decode(_ raw: RawRecord) -> [Decoded] { [.ignored(reason: "nothing to say")] }
}
