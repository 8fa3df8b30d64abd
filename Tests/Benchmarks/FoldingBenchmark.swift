import Connector
import TestSupport

/// Every event of a story folded and encoded as the ledger does it, one revision each.
enum FoldingBenchmark {
    static func run() {
        let stories = (0..<2000).map { CallStory(seed: UInt64($0)) }
        let numbering = PlainNumbering()
        var events = 0
        var bytes = 0
        var json = PackedJSONWriter()
        let cpu = CPUTime.microseconds {
            for story in stories {
                var history = CallHistory()
                for event in story.events {
                    history.insert(event)
                    let call = CallFold.record(
                        of: history, id: CallID(time: .base, rest: 1), createdAt: .base, profile: .test, numbering: numbering)
                    call.write(to: &json)
                    bytes += json.count
                    events += 1
                }
            }
        }
        print("fold + encode: \(CPUTime.rounded(cpu, over: events)) µs an event, \(bytes / events) bytes a revision")
    }
}
