import Connector
import Gateway
import HTTPClient

extension House {
    /// Who asks the CRM whom to ring; `nil` without `lookup_url`.
    static func routing(
        _ settings: ServerSettings, journal: any Journal, outgoing: OutgoingHTTP, numbering: any NumberingPlan,
        providers: ProviderClients, metrics: WebhookMetrics, log: any GatewayLog
    ) -> CallRouting? {
        let clock = SystemClock()
        guard let lookup = lookup(settings, outgoing, clock) else { return nil }
        var policy = RingPlan.Policy()
        policy.kept = settings.lookupKept
        policy.unknownKept = min(policy.unknownKept, settings.lookupKept)
        let plan = RingPlan(
            lookup: lookup, numbering: numbering, clock: clock, policy: policy, executor: outgoing.loop,
            observe: { metrics.lookup.record(CollectionOfOne($0)) }, report: { log.write($0) })
        let dispatch = RouteDispatch(
            plan: plan, journal: journal, client: { providers[$0]?.client }, clock: clock,
            makeRawID: { RawID(time: $0, rest: UInt128.random(in: .min ... .max)) })
        return CallRouting(plan: plan, dispatch: dispatch)
    }

    /// The CRM behind `lookup_url`; `nil` where none is named.
    static func lookup(_ settings: ServerSettings, _ outgoing: any Outgoing, _ clock: any Timekeeper) -> HTTPContactLookup? {
        settings.lookupURL.map { HTTPContactLookup(url: $0, secret: settings.lookupSecret, outgoing: outgoing, clock: clock) }
    }
}
