import FallbackPBX
import Gateway

/// What the embedded PBX counts, for `/metrics`. Nothing of it is there while none runs.
enum PBXGauges {
    static func write(_ figures: PBXStatistics, to text: inout PrometheusText) {
        gauge("kommutator_pbx_calls", "Calls that go on", figures.calls, &text)
        gauge("kommutator_pbx_legs", "Legs of calls that have not ended", figures.legs, &text)
        gauge("kommutator_pbx_registrations", "Telephones that are registered", figures.registrations, &text)
        gauge("kommutator_pbx_recordings", "Recordings that are being written", figures.recordings, &text)
        gauge("kommutator_pbx_encodings", "Recordings that wait to be made Opus or MP3", figures.encodings, &text)
        counter("kommutator_pbx_encoded_total", "Recordings that were made Opus or MP3", figures.encoded, &text)
        counter(
            "kommutator_pbx_encoding_failures_total", "Recordings that stayed WAV and should not", figures.encodingFailures, &text
        )
        writeTrunks(figures.trunks, to: &text)
        writeTransport(figures.transport, to: &text)
        counter("kommutator_pbx_bans_total", "Sources that were shut out", figures.bans, &text)
        gauge("kommutator_pbx_sources", "Sources that something is held against, or that asked lately", figures.sources, &text)
        counter("kommutator_pbx_user_bans_total", "Users shut out for wrong passwords", figures.userBans, &text)
        counter("kommutator_pbx_toll_alarms_total", "Alarms of limits of what goes outside", figures.tollAlarms, &text)
        gauge("kommutator_pbx_outside_calls", "Calls to the outside that limits count", figures.tollCalls, &text)
    }

    private static func writeTrunks(_ trunks: [PBXStatistics.Trunk], to text: inout PrometheusText) {
        text.family("kommutator_pbx_trunk_up", .gauge, "Whether calls can go over the trunk")
        for trunk in trunks { text.sample("kommutator_pbx_trunk_up", labels: [("trunk", trunk.name)], trunk.isUp ? 1 : 0) }
        text.family("kommutator_pbx_trunk_calls", .gauge, "Calls over the trunk")
        for trunk in trunks { text.sample("kommutator_pbx_trunk_calls", labels: [("trunk", trunk.name)], trunk.calls) }
    }

    private static func writeTransport(_ counts: SIPTransportCounts, to text: inout PrometheusText) {
        counter("kommutator_sip_received_datagrams_total", "Datagrams of SIP that came", counts.received, &text)
        counter("kommutator_sip_shut_out_datagrams_total", "Datagrams of sources that are shut out", counts.shut, &text)
        counter("kommutator_sip_malformed_total", "Messages that could not be read", counts.malformed, &text)
        counter("kommutator_sip_sent_messages_total", "Messages sent", counts.sent, &text)
        counter("kommutator_sip_dropped_datagrams_total", "Datagrams that the system did not take", counts.dropped, &text)
        gauge("kommutator_sip_connections", "Connections of SIP over TCP", counts.connections, &text)
        counter("kommutator_sip_connections_refused_total", "Connections refused by a limit", counts.refusedConnections, &text)
    }

    private static func gauge(_ name: String, _ help: String, _ value: Int, _ text: inout PrometheusText) {
        text.family(name, .gauge, help)
        text.sample(name, value)
    }

    private static func counter(_ name: String, _ help: String, _ value: Int, _ text: inout PrometheusText) {
        text.family(name, .counter, help)
        text.sample(name, value)
    }
}
