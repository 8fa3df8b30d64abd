import CSystem
import Connector
import Glibc
import TestSupport

/// What an open call takes in the ledger's memory: with its events, and at rest.
enum LedgerMemoryBenchmark {
    private static let callCount = 5000

    static func run() throws { for eventCount in [1, 5, 10] { try run(eventCount) } }

    private static func run(_ eventCount: Int) throws {
        let reader = try MemoryJournal().makeReader()
        let ledger = CallLedger(reader: reader, numbering: PlainNumbering())
        try fill(ledger, from: 0, count: 1, eventCount)
        let base = allocatedBytes
        try fill(ledger, from: 1, count: callCount, eventCount)
        let awake = (allocatedBytes - base) / callCount
        ledger.evict(at: .latest, committedTicket: .max) { _ in .test }
        let atRest = (allocatedBytes - base) / callCount
        print(
            "an open call of \(eventCount) events in memory: \(awake) bytes, \(atRest) at rest; \(ledger.awakeCount) stay awake")
    }

    /// Tells of open calls whose rows are committed at once; none is let go of before the end.
    private static func fill(_ ledger: CallLedger, from first: Int, count: Int, _ eventCount: Int) throws {
        for number in first..<first + count {
            var batch = DerivedBatch()
            var calls: [CallID] = []
            for (place, event) in events(of: number).prefix(eventCount).enumerated() {
                let raw = RawRecord(
                    id: event.rawID, position: Int64(number * 10 + place), connection: ConnectionProfile.test.id,
                    receivedAt: event.receivedAt, body: [])
                calls = try ledger.apply([event], of: raw, profile: .test, into: &batch).calls
            }
            ledger.mark(calls, ticket: number)
        }
    }

    /// A queue whose members ring one after the other, the third takes the call, holds it and goes on; with names as long as a
    /// vendor's.
    private static func events(of number: Int) -> [CallEvent] {
        let session = ExternalKey(.session, "MToxMDAxNTYyMzo0NDI6MTIzNDU2Nzg5OjE=\(number)")
        let client = Party.external(number: "7900\(1_000_000 + number)")
        let course: [(leg: Int, phase: LegReport.Phase, sequence: Int)] = [
            (0, .ringing, 1), (0, .answered, 2), (1, .ringing, 1), (1, .ended, 2), (2, .ringing, 1), (2, .ended, 2),
            (3, .ringing, 1), (3, .answered, 2), (3, .held, 3), (3, .answered, 4),
        ]
        return course.enumerated().map { second, step in
            let leg = "MToxMDAxNTYyMzo0NDI6OTg3NjU0MzIx\(number)-\(step.leg)"
            let callee: Party =
                step.leg == 0
                ? .queue(ref: "support") : .user(extension: "\(100 + step.leg)", endpoint: "sip:\(100 + step.leg)@pbx.example")
            let report = LegReport(key: leg, phase: step.phase, sequence: step.sequence, from: client, to: callee)
            return .make(
                "\(number) \(second)", at: Int64(second), keys: [session, ExternalKey(.leg, leg)], leg: report,
                facts: CallFacts(direction: .inbound, line: "74950000001"))
        }
    }

    private static var allocatedBytes: Int {
        let info = mallinfo2()
        return Int(info.uordblks + info.hblkhd)
    }
}
