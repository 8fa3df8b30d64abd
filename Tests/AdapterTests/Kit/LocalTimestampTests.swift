import AdapterKit
import Connector
import Foundation
import Testing
import TestSupport

@Suite struct LocalTimestampTests {
    @Test(arguments: [
        ("Europe/Moscow", "2026-11-02 10:15:20", "2026-11-02T07:15:20.000Z"),
        ("Asia/Yekaterinburg", "2026-11-02T10:15:20", "2026-11-02T05:15:20.000Z"),
        ("Europe/Moscow", "2012-07-01 12:00:00", "2012-07-01T08:00:00.000Z"),
        ("Europe/Berlin", "2026-07-01 12:00:00", "2026-07-01T10:00:00.000Z"),
        ("Europe/Berlin", "2090-01-01 12:00:00", "2090-01-01T11:00:00.000Z"),
        ("Asia/Kolkata", "2026-01-01 00:00:00", "2025-12-31T18:30:00.000Z"),
        ("UTC", "2026-01-01 00:00:60", "2026-01-01T00:01:00.000Z"),
    ])
    func `local times become moments`(zone: String, local: String, moment: String) throws {
        let parsed = try #require(LocalTimestamp.parse(local, in: LocalZone(named: zone)))
        #expect(parsed.description == moment)
    }

    @Test func `a time that comes twice is the earlier one, one that never comes is later`() throws {
        let berlin = try LocalZone(named: "Europe/Berlin")
        #expect(LocalTimestamp.parse("2026-10-25 02:30:00", in: berlin)?.description == "2026-10-25T00:30:00.000Z")
        #expect(LocalTimestamp.parse("2026-03-29 02:30:00", in: berlin)?.description == "2026-03-29T01:30:00.000Z")
        #expect(LocalTimestamp.parse("2090-10-29 02:30:00", in: berlin)?.description == "2090-10-29T00:30:00.000Z")
    }

    @Test(arguments: [
        "", "2026-11-02", "2026-11-02 10:15", "2026-11-02 10:15:2x", "2026-13-02 10:15:20", "2026-02-29 10:15:20",
        "2026-11-02 24:00:00",
        "2026-11-02 10:60:00", "2026-11-02 -1:15:20", "-026-11-02 10:15:20", "0000-01-01 00:00:00", "2026-11-02 10:15:20Z",
        "2026/11/02 10:15:20", "2026-11-00 10:15:20",
    ])
    func `what is no local time is nothing`(text: String) {
        #expect(LocalTimestamp.parse(text, in: .utc) == nil)
    }

    @Test(arguments: [
        ("", "badName"), ("../etc/passwd", "badName"), ("/etc", "badName"), ("Europe//Moscow", "badName"),
        ("Europe/Atlantis", "unknownZone"), ("zone.tab", "badName"), ("Europe", "unknownZone"),
    ])
    func `a zone that is none says why`(name: String, code: String) {
        #expect { try LocalZone(named: name) } throws: { ($0 as? LocalZoneError)?.code.rawValue == code }
    }

    @Test func `without a database the error names the package`() {
        #expect { try LocalZone(named: "Europe/Moscow", in: "/nowhere") } throws: { "\($0)".contains("tzdata") }
    }

    @Test(arguments: [
        "Europe/Moscow", "Europe/Kaliningrad", "Europe/Berlin", "America/New_York", "America/Sao_Paulo", "Australia/Lord_Howe",
        "Asia/Tehran", "Pacific/Apia", "Europe/Dublin", "Africa/Casablanca", "Asia/Kathmandu",
    ])
    func `offsets are those of Foundation, and a written moment reads back`(name: String) throws {
        let zone = try LocalZone(named: name)
        let oracle = try #require(TimeZone(identifier: name))
        var random = SeededRandom(seed: 7)
        for _ in 0..<2000 {
            let seconds = Int64.random(in: 0...2_200_000_000, using: &random)
            let text = LocalTimestamp.format(Instant(unixSeconds: seconds), in: zone)
            let offset = Int64(oracle.secondsFromGMT(for: Date(timeIntervalSince1970: TimeInterval(seconds))))
            #expect(text == LocalTimestamp.format(Instant(unixSeconds: seconds + offset), in: .utc))
            let parsed = try #require(LocalTimestamp.parse(text, in: zone))
            #expect(parsed.milliseconds <= seconds * 1000 && parsed.milliseconds >= (seconds - 86_400) * 1000)
            #expect(LocalTimestamp.format(parsed, in: zone) == text)
        }
    }

    @Test func `damaged zone files are refused, not trusted`() throws {
        let directory = FileManager.default.temporaryDirectory.appendingPathComponent("zones-\(UUID().uuidString)")
        try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true)
        defer { try? FileManager.default.removeItem(at: directory) }
        let whole = Array(try Data(contentsOf: URL(fileURLWithPath: "/usr/share/zoneinfo/Europe/Berlin")))
        var random = SeededRandom(seed: 3)
        for _ in 0..<300 {
            let file = directory.appendingPathComponent("Test")
            try Data(random.mutated(whole, alphabet: [0, 1, 0x7F, 0xFF])).write(to: file)
            guard let zone = try? LocalZone(named: "Test", in: directory.path) else { continue }
            _ = LocalTimestamp.parse("2026-11-02 10:15:20", in: zone)
        }
    }
}
