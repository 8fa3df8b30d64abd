import Connector
import Gateway
import HTTPClient
import Numbering

/// Does the CRM answer at `lookup_url`, and in time? Asked once, as a call would, with a number that nobody has.
struct LookupExamination {
    private static let subject = "lookup_url"
    /// In a range kept for fiction.
    private static let number = "+79000000000"
    /// The shortest time that a provider leaves us.
    private static let inTime = Duration.milliseconds(800)
    private static let patience = Duration.seconds(5)

    private let settings: ServerSettings

    init(_ settings: ServerSettings) { self.settings = settings }

    /// Nothing where no address is named.
    func findings() async -> [Finding] {
        guard settings.lookupURL != nil else { return [] }
        let outgoing: OutgoingHTTP
        do {
            outgoing = try OutgoingHTTP(name: "doctor")
        } catch {
            return [.bad(Self.subject, "cannot be asked: \(error)", remedy: "try again when the machine has less to do")]
        }
        let finding = await ask(outgoing)
        await outgoing.shutdown()
        guard settings.lookupSecret == nil else { return [finding] }
        let remedy = "set `lookup_secret`, and let the CRM check `webhook-signature`"
        return [finding, .odd(Self.subject, "its questions are not signed", remedy: remedy)]
    }

    private func ask(_ outgoing: any Outgoing) async -> Finding {
        guard let lookup = House.lookup(settings, outgoing, SystemClock()) else {
            return .odd(Self.subject, "is not set", remedy: "name the CRM's address")
        }
        var query = ContactQuery(
            tenant: .standard, connection: ConnectionID("doctor"), provider: "none",
            number: WorldNumberingPlan().number(Self.number, defaultCountry: "RU"), call: ExternalKey(.call, "doctor"),
            patience: Self.inTime)
        query.isTest = true
        let begin = ContinuousClock.now
        do throws(ContactFailure) {
            _ = try await lookup.ask(query, within: Self.patience)
            return judge(begin.duration(to: .now))
        } catch {
            return .bad(Self.subject, "\(error) (\(error.code.rawValue))", remedy: Self.remedy(error.code))
        }
    }

    private func judge(_ took: Duration) -> Finding {
        let words = "the CRM answers, in \(took.milliseconds) ms"
        guard took > Self.inTime else { return .good(Self.subject, words) }
        return .odd(
            Self.subject, words,
            remedy: "calls wait for \(Self.inTime.milliseconds) ms to 2 s, as their provider does: answer from what is at hand")
    }

    private static func remedy(_ code: ContactFailure.Code) -> String {
        switch code {
        case .timeout, .unreachable: "check the address, and whether this machine reaches it"
        case .status: "the CRM must answer 200, with {} where it does not know the number; see its log"
        case .redirect: "name the address it leads to"
        case .unreadable: "the CRM must answer a JSON object as /openapi.json describes it: ContactAnswer"
        }
    }
}
