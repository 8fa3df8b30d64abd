import Connector
import Gateway

// The words for the operator of what the ledger has to tell.

extension GatewayLog {
    func write(_ news: LedgerNews) {
        switch news {
        case .readFailing(let reason, let failures):
            error("ledger.read_failing", LogField("reason", reason), LogField("failures", "\(failures)"))
        case .readRecovered:
            info("ledger.read_recovered")
        case .unreadable(let unreadable, let times):
            error(
                "ledger.event_unreadable", LogField("event", "\(unreadable.event)"), LogField("call", "\(unreadable.call)"),
                LogField("times", "\(times)"),
                LogField("hint", "replay the raw request it came from: `kommutator replay --record`"))
        }
    }
}
