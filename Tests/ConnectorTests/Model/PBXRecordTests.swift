import Connector
import Testing

@Suite struct PBXRecordTests {
    private static let moment = Instant(milliseconds: 1_793_603_720_120)

    /// One of each kind, and of each member that it may have.
    static let facts: [PBXRecord.Fact] = [
        .created(
            PBXRecord.Beginning(
                direction: .inbound, origin: .trunk, from: .external(number: "+79000000101"), dialled: "79000000031",
                line: "+79000000031", name: "ООО \"Ромашка\"", trunk: "office/79000000031", sipCallID: "a84b4c76e66710@sbc",
                command: nil)),
        .created(
            PBXRecord.Beginning(
                direction: .outbound, origin: .clickToCall, from: .user(extension: "101", endpoint: nil),
                command: "cmd_01a19b1c-d8c4-7736-a471-3eb841e240cc")),
        .leg(
            PBXRecord.LegMoment(
                .started, leg: "b1", from: .external(number: nil), to: .user(extension: "101", endpoint: "sip:101@192.0.2.7"),
                parent: "a1", handover: .blind, group: "sales", sipCallID: "b1@pbx")),
        .leg(PBXRecord.LegMoment(.answered, leg: "b1", codec: "PCMA")),
        .leg(
            PBXRecord.LegMoment(
                .ended, leg: "b2", to: .external(number: "89000000102"), trunk: "spare", reason: .busy, isTransferredAway: true,
                cause: Cause(sip: 486, q850: 17, providerCode: "x", text: "Busy Here"),
                quality: PBXRecord.Quality(lossPermille: 3, jitterMilliseconds: 12))),
        .station(
            PBXRecord.StationMoment(
                .queue, .position, name: "support", leg: "q1", from: .external(number: "+79000000101"), position: 2)),
        .station(PBXRecord.StationMoment(.menu, .left, name: "main", leg: "m1", reason: .transferred)),
        .station(PBXRecord.StationMoment(.voicemail, .entered, name: "101", leg: "v1")),
        .digits(PBXRecord.Digits("12#", leg: "m1", menu: "main", by: .external(number: "+79000000101"))),
        .step(PBXRecord.Step(.schedule, ref: "office", result: "closed")),
        .step(PBXRecord.Step(.user, ref: "101", result: "asked", milliseconds: 180)),
        .transfer(
            PBXRecord.TransferMoment(
                .failed, .attended, by: .user(extension: "101", endpoint: nil), to: .queue(ref: "support"), fromLeg: "b1",
                toLeg: "b2", cause: Cause(sip: 603))),
        .recording(
            PBXRecord.RecordingMoment(
                .completed, name: "2026-12/01/c1.wav", kind: .voicemail, leg: "b1", isAnnounced: true, channels: 2,
                milliseconds: 63_000, problem: nil)),
        .recording(PBXRecord.RecordingMoment(.failed, name: "c1.wav", problem: "the disk is full")),
        .ended(PBXRecord.Ending(.callerHungUp, by: .externalParty, cause: Cause(q850: 16))),
        .interrupted(PBXRecord.Ending(.failed, by: .system, cause: Cause(text: "the gateway ended in the call"))),
    ]

    @Test(arguments: facts) func `what is written is read as it was`(fact: PBXRecord.Fact) throws {
        let record = PBXRecord(call: "c-1", sequence: 7, at: Self.moment, fact)
        let read = try #require(PBXRecord(encoded: record.encoded()))
        #expect(read == record)
    }

    @Test func `a record is a document that a person can read`() {
        let leg = PBXRecord.LegMoment(
            .ringing, leg: "b1", from: .external(number: nil), to: .user(extension: "101", endpoint: nil))
        let record = PBXRecord(call: "c-1", sequence: 3, at: Self.moment, .leg(leg))
        #expect(
            String(decoding: record.encoded(), as: UTF8.self)
                == #"{"v":1,"call":"c-1","seq":3,"at":"2026-11-02T07:15:20.120Z","event":"leg.ringing","leg":"b1","from":{"external":null},"to":{"user":"101"}}"#
        )
    }

    @Test func `members and words of a later version survive`() throws {
        let text =
            #"{"v":1,"call":"c-1","seq":3,"at":"2026-11-02T07:15:20.120Z","event":"leg.ended","leg":"b1","reason":"eaten","mood":{"a":[1,null]}}"#
        let record = try #require(PBXRecord(encoded: Array(text.utf8)))
        guard case .leg(let leg) = record.fact else { throw Unexpected() }
        #expect(leg.reason == nil)
        #expect(record.others.map(\.name) == ["reason", "mood"])
        let again = try #require(PBXRecord(encoded: record.encoded()))
        #expect(again == record)
    }

    @Test(arguments: [
        #"{"call":"c-1","seq":3,"at":"2026-11-02T07:15:20.120Z","event":"call.parked","slot":"70"}"#,
        #"{"call":"c-1","seq":3,"at":"2026-11-02T07:15:20.120Z","event":"leg.ended"}"#,
        #"{"call":"c-1","seq":3,"at":"2026-11-02T07:15:20.120Z","event":"leg.sang","leg":"b1"}"#,
        #"{"call":"c-1","seq":3,"at":"2026-11-02T07:15:20.120Z","event":"call.created","direction":"up"}"#,
    ]) func `an event that cannot be understood keeps its name and members`(text: String) throws {
        let before = try JSONValue(parsing: text)
        let record = try #require(PBXRecord(encoded: Array(text.utf8)))
        guard case .unknown = record.fact else { throw Unexpected() }
        let after = try JSONValue(parsing: record.encoded())
        for member in before.members { #expect(after[member.name] == member.value) }
    }

    @Test(arguments: [
        "", "null", "[]", "{", "{}", #"{"call":"","event":"call.ended","at":"2026-11-02T07:15:20.120Z"}"#,
        #"{"call":"c-1","event":"call.ended","at":"yesterday"}"#, #"{"call":"c-1","at":"2026-11-02T07:15:20.120Z"}"#,
        "\u{0}\u{1}", String(repeating: "[", count: 4000),
    ]) func `what is no record is none`(text: String) {
        #expect(PBXRecord(encoded: Array(text.utf8)) == nil)
    }

    @Test func `whatever bytes are changed, nothing traps`() throws {
        var seed = SeededNumbers(state: 7)
        for fact in Self.facts {
            let bytes = PBXRecord(call: "c-1", sequence: 1, at: Self.moment, fact).encoded()
            for _ in 0..<300 {
                var changed = bytes
                for _ in 0..<Int.random(in: 1...4, using: &seed) {
                    changed[Int.random(in: changed.indices, using: &seed)] = UInt8.random(in: 0...255, using: &seed)
                }
                guard let record = PBXRecord(encoded: changed) else { continue }
                #expect(PBXRecord(encoded: record.encoded()) == record)
            }
        }
    }
}

private struct Unexpected: Error {}

/// The same numbers on every run (SplitMix64).
private struct SeededNumbers: RandomNumberGenerator {
    var state: UInt64

    mutating func next() -> UInt64 {
        state &+= 0x9E37_79B9_7F4A_7C15
        var mixed = state
        mixed = (mixed ^ (mixed >> 30)) &* 0xBF58_476D_1CE4_E5B9
        mixed = (mixed ^ (mixed >> 27)) &* 0x94D0_49BB_1331_11EB
        return mixed ^ (mixed >> 31)
    }
}
