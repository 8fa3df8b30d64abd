import Connector

/// What the entrance needs to ask whom to ring: the plan, and who carries its decisions out where no provider waits.
package struct CallRouting: Sendable {
    package let plan: RingPlan
    package let dispatch: RouteDispatch

    package init(plan: RingPlan, dispatch: RouteDispatch) {
        self.plan = plan
        self.dispatch = dispatch
    }
}

// MARK: - Metrics

extension PrometheusText {
    /// What the CRM was asked, how that went, and what was decided.
    mutating func routing(_ plan: RingPlan, _ metrics: WebhookMetrics) {
        let statistics = plan.statistics
        family("kommutator_lookups_total", .counter, "Questions to the CRM's lookup_url by outcome.")
        sample("kommutator_lookups_total", labels: [("outcome", "answered")], statistics.answered)
        for code in ContactFailure.Code.allCases {
            sample("kommutator_lookups_total", labels: [("outcome", code.rawValue)], statistics.failures[code] ?? 0)
        }
        family("kommutator_lookups_under_way", .gauge, "Numbers that the CRM is being asked about.")
        sample("kommutator_lookups_under_way", statistics.underWay)
        family("kommutator_lookup_answers_kept", .gauge, "Answers of the CRM that are remembered.")
        sample("kommutator_lookup_answers_kept", statistics.known)
        family("kommutator_lookup_closed", .gauge, "1 while the CRM is left alone because it failed again and again.")
        sample("kommutator_lookup_closed", statistics.isClosed ? 1 : 0)
        family("kommutator_routing_decisions_total", .counter, "Calls by how it was decided whom to ring.")
        for result in RoutingDecision.Result.allCases {
            sample(
                "kommutator_routing_decisions_total", labels: [("result", result.rawValue)], statistics.decisions[result] ?? 0)
        }
        family(
            "kommutator_routing_unrecorded_total", .counter,
            "Decisions that the journal did not take: they are missing in the calls' route[].")
        sample("kommutator_routing_unrecorded_total", statistics.unrecorded)
        histogram("kommutator_lookup_seconds", "How long the CRM took.", metrics.lookup.snapshot)
        histogram("kommutator_routing_seconds", "From a provider's whole question to its answer.", metrics.routing.snapshot)
    }
}
