import Connector
import Testing

/// Every filter, through the file and a request, as an operator meets them.
@Suite struct MappedFilterTests {
    private func name(_ filters: String, of text: String) throws -> String? {
        let bench = try MappedWorkbench(
            """
            vendor: shop-pbx
            format: form
            authentication: {type: token, header: X-Token}
            event: event
            call: {key: id, external_name: {path: x, filters: \(filters)}}
            events: {rang: {type: call.ringing}}
            """)
        return try bench.event("event=rang&id=1&x=\(text)").facts.externalName
    }

    @Test(arguments: [
        ("[digits]", "%2B7+900-01", "790001"), ("[digits]", "none", nil),
        ("[e164]", "%2B7+(900)+000-01-01", "+79000000101"), ("[e164]", "79000000101", "+79000000101"), ("[e164]", "101", nil),
        ("[e164]", "089000000101", nil), ("[e164]", "1234567890123456", nil), ("[e164]", "7900000010x", nil),
        ("[lower]", "BuSY", "busy"), ("[trim]", "+%09a+b%0D%0A", "a b"), ("[trim]", "++", nil),
        ("[{cut_prefix: \"sip:\"}]", "sip:101", "101"), ("[{cut_prefix: \"sip:\"}]", "101", "101"),
        ("[{cut_prefix: \"sip:\"}]", "sip:", nil),
        ("[{cut_suffix: .wav}]", "r1.wav", "r1"), ("[{cut_suffix: .wav}]", "r1.mp3", "r1.mp3"),
        ("[{before: \"@\"}]", "101@h@i", "101"), ("[{before: \"@\"}]", "101", "101"), ("[{before: \"@\"}]", "@h", nil),
        ("[{after: \"*\"}]", "0000*101", "101"), ("[{after: \"*\"}]", "101", "101"), ("[{after: \"*\"}]", "0000*", nil),
        ("[{map: {a: \"\"}}]", "a", nil), ("[{map: {a: b}}]", "a", "b"), ("[{map: {a: b}}]", "c", nil),
        ("[{map: {a: b}}, {default: z}]", "c", "z"), ("[{default: z}]", "", "z"), ("[{default: z}]", "y", "y"),
        ("[trim, lower, {cut_prefix: \"x-\"}, {map: {a: b}}]", "+X-A+", "b"), ("[]", "kept", "kept"),
    ])
    func `a filter does what its name says`(filters: String, text: String, expected: String?) throws {
        #expect(try name(filters, of: text) == expected)
    }

    @Test(
        arguments: [
            ("epoch_s", "1793603720", 1_793_603_720_000), ("epoch_s", "1793603720.25", 1_793_603_720_250),
            ("epoch_s", "1793603720.1239", 1_793_603_720_123), ("epoch_ms", "1793603720250", 1_793_603_720_250),
            ("epoch_us", "1793603720250999", 1_793_603_720_250), ("rfc3339", "2026-11-02T10:15:20%2B03:00", 1_793_603_720_000),
            ("{local_time: Europe/Moscow}", "2026-11-02+10:15:20", 1_793_603_720_000),
            ("{local_time: UTC}", "2026-11-02T07:15:20", 1_793_603_720_000),
            ("epoch_s", "-5", nil), ("epoch_s", "9223372036854775807", nil), ("epoch_s", "-9223372036854775808.5", nil),
            ("epoch_s", "1.", nil), ("epoch_s", "1.x", nil), ("epoch_ms", "9223372036854775807", nil), ("epoch_ms", "soon", nil),
            ("epoch_us", "-9223372036854775808", nil), ("rfc3339", "2026-11-02", nil),
            ("{local_time: Europe/Moscow}", "2026-02-30+10:15:20", nil),
        ] as [(String, String, Int64?)])
    func `a time is read as it is written, and what is none is none`(filter: String, text: String, expected: Int64?) throws {
        let bench = try MappedWorkbench(
            """
            vendor: shop-pbx
            format: form
            authentication: {type: token, header: X-Token}
            event: event
            call: {key: id, started_at: {path: at, filters: [\(filter)]}}
            events: {rang: {type: call.ringing}}
            """)
        let event = try bench.event("event=rang&id=1&at=\(text)")
        #expect(event.facts.startedAt?.milliseconds == expected)
        // What could not be read is not lost.
        #expect(event.custom.contains { $0.name == "at" } == (expected == nil))
        #expect(event.facts.timeZone == (filter.contains("Moscow") ? "Europe/Moscow" : filter.contains("UTC") ? "UTC" : nil))
    }
}
