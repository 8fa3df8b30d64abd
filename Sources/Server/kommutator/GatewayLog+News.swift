import Connector
import Gateway
import Recordings
import SQLiteJournal

// The words for the operator of what the rooms have to tell: journal, adapters, keepers, ledger, ring plan, reconciler, recordings.

extension GatewayLog {
    func write(_ news: JournalNews) {
        switch news {
        case .derivedFailing(let reason, let failures):
            error(
                "journal.derived_failing", LogField("reason", reason), LogField("failures", "\(failures)"),
                LogField("hint", "the call log stands still; what was derived is kept and tried again"))
        case .derivedRecovered:
            info("journal.derived_recovered")
        case .setAside(let records, let position, let reason):
            error(
                "journal.records_set_aside", LogField("records", "\(records)"), LogField("position", "\(position)"),
                LogField("reason", reason),
                LogField("hint", "see /api/v1/inbox?state=undecoded; please report it, it is a fault of the gateway"))
        }
    }

    func write(_ news: AdapterNews, of connection: ConnectionID) {
        let connection = LogField("connection", connection.name)
        switch news {
        case .trouble(let reason):
            error(
                "adapter.trouble", connection, LogField("reason", reason),
                LogField("hint", "requests are kept and not read; replay them when it is well"))
        case .recovered: info("adapter.recovered", connection)
        case .said(let line): info("adapter.said", connection, LogField("line", line))
        }
    }

    func write(_ news: UpkeepNews) {
        switch news {
        case .changed(let connection, let upkeep):
            let fields = [LogField("connection", connection.name), LogField("state", upkeep.summary)]
            switch upkeep.condition {
            case .starting, .good: write(.info, "upkeep.changed", fields)
            case .impaired, .failing:
                write(.warning, "upkeep.trouble", fields + (upkeep.remedy.map { [LogField("hint", $0)] } ?? []))
            }
        case .failed(let connection, let failure, let failures, let pause):
            error(
                "upkeep.failed", LogField("connection", connection.name), LogField("reason", "\(failure)"),
                LogField("failures", "\(failures)"), LogField("again_in", "\(pause)"))
        case .recovered(let connection): info("upkeep.recovered", LogField("connection", connection.name))
        case .stuck(let connection):
            error(
                "upkeep.stuck", LogField("connection", connection.name),
                LogField("hint", "what it kept is left to itself; please report it, it is a fault of the gateway"))
        }
    }

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

    func write(_ news: RingPlan.News) {
        switch news {
        case .failing(let failure, let failures):
            warning(
                "lookup.failing", LogField("code", failure.code.rawValue), LogField("reason", failure.text),
                LogField("failures", "\(failures)"),
                LogField("hint", "calls go the provider's own way meanwhile; `kommutator doctor` asks the CRM once"))
        case .recovered: info("lookup.recovered")
        }
    }

    func write(_ news: ReconciliationNews) {
        switch news {
        case .pullFailing(let connection, let reason, let failures):
            warning(
                "history.pull_failing", LogField("connection", connection.name), LogField("reason", reason),
                LogField("failures", "\(failures)"), LogField("hint", "it is tried again; nothing is left out"))
        case .pullRecovered(let connection):
            info("history.pull_recovered", LogField("connection", connection.name))
        case .recovered(let connection, let day, let calls):
            warning(
                "history.calls_recovered", LogField("connection", connection.name),
                LogField("day", String(day.description.prefix(10))), LogField("calls", "\(calls)"),
                LogField("hint", "their webhooks never came: see what the provider says of our address"))
        case .silent(let connection, let since, let expected):
            warning(
                "connection.silent", LogField("connection", connection.name), LogField("since", since.description),
                LogField("usual_calls", "\(expected)"),
                LogField("hint", "calls are usual at this time: check the address that the provider sends to"))
        case .heardAgain(let connection, let since):
            info("connection.recovered", LogField("connection", connection.name), LogField("silent_since", since.description))
        }
    }

    func write(_ news: RecordingNews) {
        switch news {
        case .failed(let connection, let problem):
            warning("recording.given_up", LogField("connection", connection.name), LogField("problem", problem))
        case .noRoom(let reason):
            error(
                "recording.no_room", LogField("reason", reason),
                LogField("hint", "nothing is fetched until the data folder has room; what is ready is not forgotten"))
        case .feedFailing(let reason, let failures):
            error("recording.feed_failing", LogField("reason", reason), LogField("failures", "\(failures)"))
        case .expiryFailing(let reason, let failures):
            error("recording.expiry_failing", LogField("reason", reason), LogField("failures", "\(failures)"))
        }
    }
}
