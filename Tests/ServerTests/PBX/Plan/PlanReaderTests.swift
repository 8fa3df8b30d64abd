import Connector
import PBXPlan
import TestSupport
import Testing

@testable import Gateway

@Suite struct PlanReaderTests {
    @Test func `the smallest useful plan has seven lines`() throws {
        let plan = try PlanBench.plan(
            """
            extensions:
              101: {secret: env:PBX_101}
              102: {secret: env:PBX_102}
            incoming:
              other: {ring: "101, 102"}
            outgoing:
              - {to: any, by: my-trunk}
            """)
        #expect(plan.extensions.keys.sorted() == ["101", "102"])
        #expect(plan.incoming.other == [.ring(RingStep([.target(.extension("101")), .target(.extension("102"))]))])
        #expect(plan.trunks.map(\.name) == ["my-trunk"])
        #expect(plan.extensions["101"]?.limits == .ofAnExtension)
        #expect(plan.extensions["101"]?.mayDial.allowed == nil)
    }

    @Test func `a whole plan is read as it stands`() throws {
        let plan = try PlanBench.plan(PlanBench.office)
        let anna = try #require(plan.extensions["101"])
        #expect(anna.name == "Анна")
        #expect(anna.mobile == "+79000000101")
        #expect(anna.mayDial == DialRights(allowed: [.country("RU", kind: nil), .prefix("+375")], denied: [.prefix("+7809")]))
        #expect(anna.lines == ["+79000000010"])
        #expect(anna.isRecorded)
        #expect(anna.autoAnswer == .callInfo)
        #expect(plan.extensions["102"]?.calls == 1)
        #expect(plan.extensions["102"]?.limits == CallLimits(atOnce: 1, anHour: 3, moneyADay: Money("10")))
        #expect(plan.extensions["105"]?.mayDial.allowed == [.any])
        #expect(plan.groups["sales"]?.members == [.extension("101"), .extension("102"), .mobile(of: "101")])
        #expect(plan.groups["sales"]?.manner == .inTurn)
        #expect(plan.queues["support"]?.strategy == .longestIdle)
        #expect(plan.queues["support"]?.otherwise == [.voicemail("sales")])
        #expect(plan.menus["main"]?.keys["*"] == [.menu("main")])
        #expect(plan.voicemail["sales"]?.longest == .seconds(120))
        #expect(plan.incoming.lines["+79000000010"] == [.route("office-hours")])
        #expect(plan.incoming.trunks["zadarma"] == [.queue("support")])
        #expect(plan.trunks.map(\.name) == ["megafon", "zadarma"])
        #expect(plan.outgoing.map(\.forbids) == [false, false, false, false, true, false])
        #expect(plan.outgoing[3].priority == 7)
        #expect(plan.outgoing[2].schedule == "office")
        #expect(plan.emergency.trunks == ["zadarma", "megafon"])
        #expect(
            plan.destinationLimits == [DestinationLimit(.country("BY", kind: nil), CallLimits(atOnce: 1, moneyADay: Money("50")))]
        )
        #expect(plan.alarmPercent == 50)
        #expect(
            plan.routes["office-hours"]?.first
                == .schedule("office", otherwise: [.announce("closed"), .voicemail("sales")]))
    }

    @Test func `a rule for a group is for the telephones in it`() throws {
        let plan = try PlanBench.plan(
            """
            extensions: {101: {secret: env:A}, 102: {secret: env:B}}
            groups: {sales: {members: [102]}}
            outgoing: [{to: any, by: t, from: [101, sales]}]
            """)
        #expect(plan.outgoing.first?.callers == ["101", "102"])
    }

    /// What stands in the file behind two extensions, 101 and 102, and what is told of it.
    static let faults: [(yaml: String, problems: [String])] = [
        ("extention: {}", ["3:1 `pbx` knows no `extention`; did you mean `extensions`?"]),
        ("groups: {sales: {members: [101, 103]}}", ["3:33 there is no extension `103`; did you mean `101`?"]),
        (
            "groups: {sales: {member: [101]}}",
            [
                "3:10 `members` is missing in `sales`; write `members: [\"101\", \"102\"]`",
                "3:18 `sales` knows no `member`; did you mean `members`?",
            ]
        ),
        ("groups: {sales: {members: [101, 101]}}", ["3:33 `101` stands twice in `members`; remove one of them"]),
        (
            "groups: {sales: {members: [mobile 101]}}",
            [
                "3:28 101 has no mobile telephone; write `mobile: \"+7…\"` at the extension"
            ]
        ),
        (
            "groups: {Sales: {members: [101]}}",
            [
                "3:10 `Sales` cannot be a name here; take a-z, 0-9, - and _, with a letter first, as in sales"
            ]
        ),
        (
            "groups: {sales: {members: [101], for: 25}}",
            [
                "3:39 `for`: `25` is no duration; write a number and a unit: 20s, 5m or 1h"
            ]
        ),
        ("groups: {sales: {members: [101], for: 1h}}", ["3:39 `for` is too short or too long; write 3s to 10m"]),
        ("groups: {sales: {members: [101], ring: al}}", ["3:40 `ring`: `al` is none of its values; did you mean `all`?"]),
        (
            "groups: {sales: {members: [101], number: 102}}",
            [
                "3:42 102 is a group and an extension; give one of them another number"
            ]
        ),
        ("incoming: {other: {menu: main}}", ["3:26 there is no menu `main`; describe it under `menus:`"]),
        (
            "incoming: {other: sales}\ngroups: {sales: {members: [101]}}",
            [
                "3:19 there is no route `sales`; there is a group of this name: write `ring: sales`"
            ]
        ),
        (
            "incoming: {other: {ring: 200}}\ngroups: {sales: {members: [101], number: 200}}",
            [
                "3:26 there is no extension `200`; 200 is the group `sales`: write that"
            ]
        ),
        (
            "incoming: {other: [{ring: 101, announce: hello}]}",
            [
                "3:20 a step does several things; write one of schedule, announce, record, responsible, ring, queue, menu, voicemail, forward, route, hang_up for each step"
            ]
        ),
        (
            "incoming: {other: [{rign: 101}]}",
            [
                "3:20 a step does nothing; write one of schedule, announce, record, responsible, ring, queue, menu, voicemail, forward, route, hang_up for each step",
                "3:21 `a step` knows no `rign`; did you mean `ring`?",
            ]
        ),
        (
            "incoming: {other: [{hang_up: busy}, {ring: 101}]}",
            [
                "3:37 this step is never reached; nothing follows after route, voicemail and hang_up"
            ]
        ),
        ("incoming: {other: {hang_up: bussy}}", ["3:29 `hang_up`: `bussy` is none of its values; did you mean `busy`?"]),
        ("incoming: {other: [{hang_up: busy, for: 20s}]}", ["3:36 `for` means nothing to `hang_up`; remove it"]),
        (
            "incoming: {other: {forward: 101}}",
            [
                "3:20 `forward` sends a call outside; write `ring: \"101\"`, or `forward: mobile 101`"
            ]
        ),
        (
            "incoming: {9000000010: {ring: 101}}",
            [
                "3:12 `9000000010` is neither a line nor a trunk; write a number with + and the country code, the name of a trunk's connection, or other"
            ]
        ),
        ("time_zone: Mars/Olympus", ["3:12 `Mars/Olympus` names no time zone; write an IANA name, as in Europe/Moscow"]),
        (
            "schedules: {office: {open: {mon-fri: 09:00-18:00}}}",
            [
                "3:13 nobody knows whose clock `office` goes by; write `time_zone: Europe/Moscow` under `pbx:`"
            ]
        ),
        (
            "time_zone: Europe/Moscow\nschedules: {office: {open: {mo: 09:00-18:00, tue: 9-18, wed: 09:00-18:00, mon-wed: 25:00-26:00}}}",
            [
                "4:29 `mo` names no days; write mon, mon-fri, or \"sat, sun\"",
                "4:51 `tue` has hours that are none; write 09:00-18:00, several with commas between them, all day, or closed",
                "4:84 `mon-wed` has hours that are none; write 09:00-18:00, several with commas between them, all day, or closed",
            ]
        ),
        (
            "time_zone: Europe/Moscow\nschedules: {office: {open: {mon: all day, mon-tue: 09:00-18:00}, except: {2026-02-29: closed, 02-29: closed, 12-31..2027-01-08: closed, 2027-01-08..2027-01-01: closed}}}",
            [
                "4:43 `mon` is said twice; give each day once",
                "4:75 `2026-02-29` is no day of the calendar; write 2026-12-31, 12-31 for every year, or two of a kind as in 01-01..01-08",
                "4:110 `12-31..2027-01-08` is no day of the calendar; write 2026-12-31, 12-31 for every year, or two of a kind as in 01-01..01-08",
                "4:137 `2027-01-08..2027-01-01` ends before it begins; write the earlier day first",
            ]
        ),
        (
            "menus: {main: {prompt: ../secret, keys: {12: {ring: 101}}}}",
            [
                "3:24 `../secret` is no name of a prompt; write its file's name without folder and ending: letters, digits, - and _",
                "3:42 `12` is no key of a telephone; write 0 to 9, \"*\" or \"#\"",
            ]
        ),
        (
            "outgoing: [{to: Russia, by: t}, {to: RU fax, by: t}, {by: t}]",
            [
                "3:17 `Russia` is no destination; write any, a country (RU), a country and mobile, geographic or toll_free (RU mobile), a prefix (+7495), or a short number",
                "3:38 `RU fax` is no destination; write any, a country (RU), a country and mobile, geographic or toll_free (RU mobile), a prefix (+7495), or a short number",
                "3:54 `to` is missing in a rule; a rule has `to:` and `by:`, as in {to: RU, by: my-trunk}",
            ]
        ),
        (
            "outgoing: [{to: RU, by: {t: cheap}}, {to: any, by: My Trunk}]",
            [
                "3:29 `t`: `cheap` is no amount; write a number with a point, as in 1.50",
                "3:52 `My Trunk` is no name of a trunk; write the name of its connection's file, or connection/account",
            ]
        ),
        (
            "outgoing: [{to: [RU, any], by: t}, {to: any, by: [t, u]}]",
            [
                "3:36 `any` by `t` stands twice; the second rule never counts; remove one of them"
            ]
        ),
        ("outgoing: [{to: any, by: t, when: night}]", ["3:35 there is no schedule `night`; describe it under `schedules:`"]),
        (
            "outgoing: [{to: any, by: t, line: \"+79000000012\"}]\ntrunks: {t: {lines: \"+79000000010\"}}",
            [
                "3:35 no trunk has the line +79…12; list it under `lines` of `t`"
            ]
        ),
        (
            "outgoing: [{to: any, by: t}]\ntrunks: {t: {limits: {money_a_day: 100}}}",
            [
                "4:23 `money_a_day` cannot be kept: the rule in line 4 has no price for `t`; write `by: {t: 1.50}` there"
            ]
        ),
        (
            "limits: {Cuba: {an_hour: 1}}",
            [
                "3:10 `Cuba` is no destination; write any, a country (RU), a country and mobile, geographic or toll_free (RU mobile), a prefix (+7495), or a short number"
            ]
        ),
        (
            "fail_over: [486, 5x, 503]",
            [
                "3:13 after 486 no other trunk is tried; it is the called person's own word; remove it",
                "3:18 `5x` is no failure; write answers of SIP (404), 4xx, 5xx, timeout, unreachable, or never",
            ]
        ),
        ("emergency: [101, 112]", ["3:13 101 is an emergency number and an extension; give one of them another number"]),
        ("features: {pick_up: \"*9\", voicemail: off}", []),
        ("features: {pick_up: \"*4\"}", ["3:21 *43 begins like *4; choose codes of which none begins like another"]),
        ("features: {echo: 43}", ["3:18 `43` is no feature code; write \"*\" and one to four digits, as in \"*8\", or off"]),
        ("alarm_at: 120", ["3:11 `alarm_at` is no whole number from 10 to 100; write a number there"]),
        ("prompts: ../../etc", ["3:10 `prompts` is no folder; write a path without `..`, as in prompts"]),
        ("recording_format: flac", ["3:19 `flac` is no format of recordings; write wav, opus or mp3"]),
        ("currency: roubles", ["3:11 `roubles` is no currency; write three capital letters of ISO 4217, as in RUB"]),
        ("voicemail: {sales: {longest: 1m}}", ["3:13 `for` is missing in `sales`; who may hear it? `for: [\"101\"]`"]),
        (
            "queues: {support: {members: [], places: 0}}",
            [
                "3:29 `members` is empty; write one name or several",
                "3:41 `places` is no whole number from 1 to 500; write a number there",
            ]
        ),
        (
            "incoming: {other: [{schedule: office}]}",
            [
                "3:21 `otherwise` is missing beside `schedule`; what becomes of a call when it is closed? `otherwise: {hang_up: unavailable}`",
                "3:31 there is no schedule `office`; describe it under `schedules:`",
            ]
        ),
    ]

    @Test(arguments: faults) func `what is wrong is told with its place and a hint`(_ fault: (yaml: String, problems: [String]))
        throws
    {
        let problems = try PlanBench.problems("extensions:\n  {101: {secret: env:A}, 102: {secret: env:B}}\n\(fault.yaml)")
        #expect(problems == fault.problems)
    }

    static let people: [(yaml: String, problems: [String])] = [
        ("groups: {}", ["1:1 `extensions` is missing; list the telephones: `extensions: {\"101\": {secret: env:PBX_101}}`"]),
        ("extensions: {1: {secret: env:A}}", ["1:14 `1` is no short number; take two to six digits, as in 101"]),
        ("extensions: {101: {}}", ["1:14 `secret` is missing in `101`; its telephone registers with it: `secret: env:PBX_101`"]),
        (
            "extensions: {101: {secret: env:A, mobile: 89000000101}}",
            [
                "1:43 `89000000101` is no whole number; write + and the country code, as in +79000000010"
            ]
        ),
        (
            "extensions: {101: {secret: env:A, auto_answer: \"Via: x\"}}",
            [
                "1:48 `auto_answer` is no header that lets a telephone pick up; write call_info, alert_info, or what the telephone's manual says, as in \"Alert-Info: ring-answer\""
            ]
        ),
        (
            "extensions: {101: {secret: env:A, voicemail: sales}}",
            ["1:46 there is no voicemail box `sales`; describe it under `voicemail:`"]
        ),
        (
            "everyone: {secret: env:A}\nextensions: {101: {secret: env:B}}",
            [
                "1:12 `everyone` knows no `secret`; known here: `line`, `may_dial`, `may_not_dial`, `calls`, `record`, `auto_answer`, `for`, `limits`"
            ]
        ),
        ("extensions: [101]", ["1:13 `extensions` is a list; write `name: …` pairs under it"]),
    ]

    @Test(arguments: people) func `what is wrong with telephones is told, too`(_ fault: (yaml: String, problems: [String])) throws
    {
        let problems = try PlanBench.problems(fault.yaml)
        #expect(problems == fault.problems)
    }

    @Test func `steps that run in a circle by themselves are refused, a key may lead back`() throws {
        let people = "extensions: {101: {secret: env:A}}\n"
        let problems = try PlanBench.problems(
            people + """
                routes:
                  day: [{ring: 101}, {route: night}]
                  night: [{announce: closed}, {queue: late}]
                queues: {late: {members: [101], otherwise: {menu: main}}}
                menus: {main: {prompt: hello, keys: {1: {ring: 101}}, otherwise: [{ring: 101}, {route: day}]}}
                """)
        let hint = "let one of them end with hang_up or voicemail, or go on by a menu's key"
        #expect(
            problems == [
                "4:32 these steps run in a circle: queue late → menu main → route day → route night → queue late; \(hint)"
            ])
        #expect(try PlanBench.problems(people + "routes: {day: day}").count == 1)
        #expect(
            try PlanBench.problems(
                people + "menus: {main: {prompt: hello, keys: {\"*\": {menu: main}}, otherwise: {hang_up: normal}}}") == [])
    }

    @Test func `prompts and trunks are looked for where somebody knows them`() throws {
        let yaml = """
            extensions: {101: {secret: env:A}}
            prompts: {folder: sounds, texts: {closed: We are closed.}}
            incoming: {other: [{announce: welcome}, {announce: closed}, {ring: 101}], megafon: {ring: 101}, zadarma/b: {ring: 101}}
            outgoing: [{to: any, by: [megafone, zadarma/a]}]
            """
        let reader = PlanReader(
            hasPrompt: { $0 == "sounds" && $1 == "welcome" }, knownTrunks: ["megafon", "zadarma", "zadarma/a"])
        #expect(
            try PlanBench.problems(yaml, reader) == [
                "3:52 there is no prompt `closed`; record sounds/closed.wav (8 kHz, mono), saying: We are closed.",
                "3:97 there is no trunk `zadarma/b`; did you mean `zadarma/a`?",
                "4:27 there is no trunk `megafone`; did you mean `megafon`?",
            ])
        #expect(try PlanBench.problems(yaml) == [])
        let accounts = "extensions: {101: {secret: env:A}}\noutgoing: [{to: any, by: [megafon/any, zadarma/b]}]"
        #expect(try PlanBench.problems(accounts, PlanReader(knownTrunks: ["megafon", "megafon/*", "zadarma"])).count == 1)
    }

    @Test func `a secret shows nowhere`() throws {
        let plan = try PlanBench.plan("extensions: {101: {secret: hush-hush}}")
        var text = ""
        dump(plan, to: &text)
        #expect(!text.contains("hush-hush"))
        #expect(!"\(plan)".contains("hush-hush"))
        #expect(plan.extensions["101"]?.secret.text == "hush-hush")
    }

    @Test(arguments: 0..<20) func `a damaged plan is read or refused, and no problem lacks its place`(_ seed: UInt64) throws {
        var random = SeededRandom(seed: seed)
        var count = 0
        for _ in 0..<40 {
            let text = random.mutated(
                Array(PlanBench.file(PlanBench.office).utf8), alphabet: Array("0123456789:{}[], +*-.\"abcmobile".utf8))
            var reading = ConfigurationReading(file: "pbx.yaml")
            let fields = reading.document(String(decoding: text, as: UTF8.self)) ?? []
            guard let field = fields.first, let tree = reading.tree(field) else { continue }
            count += 1
            do {
                _ = try PlanReader().read(tree)
            } catch {
                #expect(!error.problems.isEmpty)
                #expect(error.problems.allSatisfy { $0.place.line > 0 && !$0.problem.isEmpty && !$0.hint.isEmpty })
            }
        }
        #expect(count > 5)
    }

    @Test func `a plan full of faults is refused in time, with some of them`() throws {
        let members = (0..<1900).map { String($0 + 1000) }.joined(separator: ", ")
        let groups = (0..<8).map { "  g\($0): {members: [\(members)]}" }.joined(separator: "\n")
        let problems = try PlanBench.problems("extensions: {101: {secret: env:A}}\ngroups:\n\(groups)")
        #expect(problems.count == 200)
    }
}
