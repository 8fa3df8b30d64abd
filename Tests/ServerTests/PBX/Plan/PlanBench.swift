import Connector
import Numbering
import PBXPlan
import Testing

@testable import Gateway

/// Plans out of YAML, as a connection's file has them.
enum PlanBench {
    static let numbering = WorldNumberingPlan()

    static func number(_ text: String) -> PhoneNumber { numbering.number(text, defaultCountry: "RU") }

    /// A file that holds the section `pbx` and nothing else; `yaml` stands at its left margin.
    static func file(_ yaml: String) -> String {
        "pbx:\n" + yaml.split(separator: "\n", omittingEmptySubsequences: false).map { "  \($0)\n" }.joined()
    }

    static func section(_ yaml: String) throws -> SettingTree {
        var reading = ConfigurationReading(file: "pbx.yaml")
        let fields = reading.document(file(yaml))
        let tree = reading.tree(try #require(fields?.first))
        try #require(reading.problems.isEmpty)
        return try #require(tree)
    }

    static func plan(_ yaml: String) throws -> DialPlan { try PlanReader().read(section(yaml)) }

    /// What is wrong with it: `line:column problem; hint`, lines counted in `yaml`.
    static func problems(_ yaml: String, _ reader: PlanReader = PlanReader()) throws -> [String] {
        let section = try section(yaml)
        do {
            _ = try reader.read(section)
            return []
        } catch {
            return error.problems.map { "\($0.place.line - 1):\($0.place.column - 2) \($0.problem); \($0.hint)" }
        }
    }

    static func moment(_ text: String) -> Instant { Instant(rfc3339: text) ?? .earliest }

    /// A house with everything in it.
    static let office = """
        time_zone: Europe/Moscow
        everyone: {may_dial: [RU, "+375"], may_not_dial: "+7809", line: "+79000000010", record: on}
        extensions:
          101: {name: Анна, secret: env:PBX_101, mobile: "+79000000101", voicemail: sales, auto_answer: call_info}
          102: {name: Борис, secret: env:PBX_102, calls: 1, limits: {at_once: 1, an_hour: 3, money_a_day: 10}}
          105: {name: Вера, secret: env:PBX_105, may_dial: any, line: ["+79000000011", "+79000000010"]}
        groups:
          sales: {number: 200, members: [101, 102, mobile 101], ring: in_turn, for: 15s}
          night: {members: ["+79000000199"], for: 40s}
        schedules:
          office:
            open: {mon-fri: 09:00-18:00, sat: 10:00-14:00}
            except: {01-01..01-08: closed, 2026-12-31: 09:00-15:00}
        queues:
          support: {number: 300, members: [101, 105], ring: longest_idle, music: music, position_every: 45s, otherwise: {voicemail: sales}}
        menus:
          main:
            prompt: welcome
            keys: {1: {ring: sales}, 2: {queue: support}, "*": {menu: main}}
            dial_extensions: on
            invalid: not-understood
            otherwise: {ring: sales}
        voicemail:
          sales: {greeting: leave-a-message, longest: 2m, for: 101}
        routes:
          office-hours:
            - schedule: office
              otherwise: [{announce: closed}, {voicemail: sales}]
            - announce: recorded
            - record: on
            - responsible: 20s
            - ring: sales
              for: 25s
            - voicemail: sales
        incoming:
          "+79000000010": office-hours
          "+79000000011": {menu: main}
          zadarma: {queue: support}
          other: {hang_up: not_found}
        trunks:
          megafon: {lines: ["+79000000010"], limits: {at_once: 2}}
          zadarma: {lines: ["+79000000011", "+79000000010"], billed_by: second}
        outgoing:
          - {to: [RU], by: {megafon: 1.90, zadarma: 0.85}}
          - {to: RU mobile, by: {megafon: 1.20, zadarma: 1.60}}
          - {to: "+7900", by: {megafon: 0}, when: office, line: "+79000000010"}
          - {to: any, by: {zadarma: 12}, priority: 7}
          - {to: "+7900555", by: nobody}
          - {to: "0611", by: {megafon: 0}}
        emergency: {numbers: [112], by: [zadarma, megafon]}
        limits:
          BY: {at_once: 1, money_a_day: 50}
        alarm_at: 50%
        """
}
