import Connector
import TestSupport
import Testing

/// What the gateway's own records make of a call's recordings.
struct RecordingFoldTests {
    private static let key = ExternalKey(.session, "s1")
    private static let ready = CallEvent.make(
        "ready", type: .recordingReady, at: 10, recording: RecordingReport(key: "r1", phase: .ready))
    private static let file = RecordingFile(
        sha256: String(repeating: "a", count: 64), byteCount: 4711, mediaType: "audio/mpeg",
        keptUntil: Instant(milliseconds: 1_900_000_000_000))

    /// The events that a system record with this report decodes to.
    private static func told(_ report: RecordingReport, at seconds: Int64) throws -> CallEvent {
        let now = Instant.base.advanced(by: .seconds(seconds))
        let raw = SystemRecord.recording(
            report, of: key, in: ConnectionID("test"), id: RawID(time: now, rest: UInt128(seconds)), at: now)
        #expect(raw.source == .system)
        let decoded = SystemRecord.decode(raw)
        guard decoded.count == 1, case .call(let event) = decoded[0] else { throw Undecoded() }
        return event
    }

    private struct Undecoded: Error {}

    private static func record(_ events: [CallEvent]) -> Call {
        CallFold.record(
            of: CallHistory(events), id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test,
            numbering: PlainNumbering())
    }

    @Test func `a report survives the inbox and the journal`() throws {
        let report = RecordingReport(key: "r1", phase: .available, attempts: 2, file: Self.file)
        let event = try Self.told(report, at: 20)
        #expect(event.recording == report)
        #expect(event.type == .recordingReady)
        #expect(event.keys == [Self.key])
        #expect(CallEvent(encoded: event.encoded()) == event)
    }

    @Test func `the record goes from expected by fetching to available`() throws {
        var events = [Self.ready]
        #expect(Self.record(events).recordings.first?.status == .expected)
        events.append(try Self.told(RecordingReport(key: "r1", phase: .fetching, attempts: 0), at: 11))
        #expect(Self.record(events).recordings.first?.status == .fetching)
        events.append(try Self.told(RecordingReport(key: "r1", phase: .fetching, problem: "404", attempts: 1), at: 12))
        #expect(Self.record(events).recordings.first?.lastError == "404")
        #expect(Self.record(events).recordings.first?.attempts == 1)
        events.append(try Self.told(RecordingReport(key: "r1", phase: .available, attempts: 2, file: Self.file), at: 13))
        let recording = try #require(Self.record(events).recordings.first)
        #expect(recording.status == .available)
        #expect(recording.file == Self.file)
        #expect(recording.attempts == 2)
        #expect(recording.lastError == nil)
    }

    @Test func `what became of it does not hang on the order of the clock`() throws {
        let events = [
            Self.ready,
            try Self.told(RecordingReport(key: "r1", phase: .available, attempts: 1, file: Self.file), at: 11),
            try Self.told(RecordingReport(key: "r1", phase: .fetching, attempts: 0), at: 15),
        ]
        #expect(Self.record(events).recordings.first?.status == .available)
        #expect(Self.record(events.reversed()) == Self.record(events))
    }

    @Test func `a recording that was given up is failed, and missing in the record`() throws {
        let events = [
            Self.ready, try Self.told(RecordingReport(key: "r1", phase: .failed, problem: "410", attempts: 1), at: 11),
        ]
        let record = Self.record(events)
        #expect(record.recordings.first?.status == .failed)
        #expect(record.completeness.missing.contains(.recording))
    }

    @Test func `the public record has the file's facts and our address, and is read back`() throws {
        let events = [
            Self.ready, try Self.told(RecordingReport(key: "r1", phase: .available, attempts: 1, file: Self.file), at: 11),
        ]
        let record = Self.record(events)
        let json = try JSONText(try record.json()).root["recordings"].elements[0]
        let id = try #require(json["id"].string)
        #expect(json["status"].string == "available")
        #expect(json["media_type"].string == "audio/mpeg")
        #expect(json["size_bytes"].int == 4711)
        #expect(json["sha256"].string == Self.file.sha256)
        #expect(json["url"].string == "/api/v1/calls/\(record.id)/recordings/\(id)/media")
        #expect(json["retention_until"].string == "2030-03-17T17:46:40.000Z")
        let published = try #require(PublishedCall(try record.json()))
        #expect(published.key == Self.key)
        #expect(published.recordings.first?.file == Self.file)
        #expect(PublishedCall.mayHaveRecordings(try record.json()))
        #expect(!PublishedCall.mayHaveRecordings(try Self.record([CallEvent.make("other")]).json()))
    }

    @Test(arguments: ["", "{}", #"{"kind":"session","value":"s1"}"#, #"{"kind":"session","value":"s1","recording":{"key":"r"}}"#])
    func `a system record of another kind is undecoded`(body: String) {
        let raw = RawRecord(
            id: RawID(time: .base, rest: 1), connection: ConnectionID("test"), receivedAt: .base, source: .system,
            body: Array(body.utf8))
        guard case .undecoded = SystemRecord.decode(raw).first else {
            Issue.record("decoded")
            return
        }
    }
}
