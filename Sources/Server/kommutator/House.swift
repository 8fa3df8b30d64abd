import AdapterCatalog
import Connector
import FallbackPBX
import Gateway
import HTTPClient
import HTTPServer
import Network
import Numbering
import Processes
import Recordings
import SQLiteJournal
import Streams
import Threading

/// The whole gateway put together: the only place that knows every room. Builds, starts and ends them; decides nothing.
final class House: Sendable {
    let settings: ServerSettings
    let log: any GatewayLog
    let journal: SQLiteJournal
    let registry: ConnectionRegistry
    let ledger: LedgerService
    let keys: KeyDesk
    let server: HTTPServer
    let readers: ReaderPool
    let outgoing: OutgoingHTTP
    /// Everybody who asks a provider asks through these.
    let providers: ProviderClients
    let desk: CommandDesk
    private let children = SystemChildren(environment: Environment.variables)
    private let streams = SystemStreams()
    /// What connections keep alive at their providers.
    let upkeep: UpkeepService
    let recordings: RecordingService
    /// Who asks the CRM whom to ring; `nil` without `lookup_url`.
    private let routing: CallRouting?
    let reconciler: Reconciler
    /// Fetches the files: its thread waits for the disk. Where a file lies is asked through `providers`, whose thread waits for nothing.
    private let recordingClient: OutgoingHTTP
    private let signal: ChangeSignal
    private let clock = SystemClock()

    /// Opens the journal and builds every room; nothing listens yet.
    /// - Throws: `JournalError`, `RecordingStoreError`, `NetworkError` or `ThreadError`, each with what to do.
    init(_ settings: ServerSettings, log: any GatewayLog) throws {
        self.settings = settings
        self.log = log
        let clock = clock
        signal = ChangeSignal()
        journal = try SQLiteJournal(
            JournalConfiguration(directory: settings.data, clock: clock), onNews: { log.write($0) }, onChanges: signal.publish)
        signal.publish(try journal.makeReader().lastChangePosition())
        let numbering = WorldNumberingPlan()
        let pbx = EmbeddedPBX(
            numbering: numbering, clock: clock, data: settings.data, adapters: settings.adapters,
            plans: PlanFile.desk(settings.adapters), children: children, searchPath: Environment.variables["PATH"] ?? "")
        registry = ConnectionRegistry(
            directory: Self.directory(
                settings,
                AdapterContext(children: children, streams: streams, control: pbx, report: { log.write($1, of: $0) })),
            log: log)
        readers = try ReaderPool(journal: journal)
        outgoing = try OutgoingHTTP()
        providers = ProviderClients(roster: registry, outgoing: outgoing, clock: clock)
        desk = CommandDesk(
            store: journal, reading: readers, providers: providers, numbering: numbering, clock: clock,
            executor: outgoing.loop, makeID: { CommandID(time: $0, rest: UInt128.random(in: .min ... .max)) })
        upkeep = UpkeepService(
            providers: providers, journal: journal, surroundings: Self.surroundings(settings, registry, readers), clock: clock,
            report: { log.write($0) })
        ledger = LedgerService(
            journal: journal, roster: registry, numbering: numbering, timekeeper: clock,
            makeRawID: { RawID(time: $0, rest: UInt128.random(in: .min ... .max)) },
            onReport: desk.note, onSignal: upkeep.hear,
            report: { log.write($0) })
        recordingClient = try OutgoingHTTP(name: "recordings")
        let store = try FileRecordingStore(path: settings.data + "/recordings")
        var policy = RecordingKeeper.Policy()
        policy.concurrency = settings.recordingConcurrency
        recordings = RecordingService(
            journal: journal, store: store, outgoing: recordingClient, cursorPath: settings.data + "/recordings/cursor",
            signal: signal, sources: RecordingSources(registry, providers), timekeeper: clock, policy: policy,
            retention: settings.recordingRetention,
            makeRawID: { RawID(time: $0, rest: UInt128.random(in: .min ... .max)) }, report: { log.write($0) })
        reconciler = Reconciler(
            journal: journal, store: journal, reading: readers, roster: registry,
            client: { [providers] in providers[$0]?.client },
            heardAt: { [registry] in registry.current[$0.name]?.counters.lastAcceptedAt }, timekeeper: clock,
            report: { log.write($0) })
        keys = KeyDesk(store: journal, readers: readers, clock: clock)
        let metrics = WebhookMetrics()
        routing = Self.routing(
            settings, journal: journal, outgoing: outgoing, numbering: numbering, providers: providers, metrics: metrics, log: log
        )
        if let routing { pbx.ask(routing.plan) }
        var services = APIServices(
            journal: journal, readers: readers, keys: keys, connections: registry, signal: signal,
            explainer: CallExplanation(journal: journal, roster: registry, numbering: numbering), replayer: ledger,
            webhookMetrics: metrics, clock: clock, log: log, version: Kommutator.version)
        let gauges = HouseGauges(journal: journal, ledger: ledger, recordings: recordings, upkeep: upkeep)
        let reconciliation = ReconciliationGauges(reconciler: reconciler, registry: registry)
        let proxies = ProxyTrust(settings.trustedProxies)
        services.proxies = proxies
        services.journalTrouble = { gauges.journal.statistics.failure }
        services.rawRetention = settings.rawRetention
        services.desk = desk
        services.routing = routing
        services.recordings = store
        services.previews = PlanBook(
            registry, numbering: numbering, upkeep: { [upkeep] in upkeep[$0] }, running: { pbx.statistics })
        services.presence = { [providers] in providers[$0]?.client?.presence ?? [:] }
        services.upkeep = { [upkeep] in upkeep[$0] }
        services.reconciliation = reconciler
        services.moreMetrics = { text in
            gauges.write(to: &text)
            if let (_, figures) = pbx.statistics { PBXGauges.write(figures, to: &text) }
            reconciliation.write(to: &text)
        }
        var router = GatewayAPI.makeRouter(log: log)
        WebhookRoutes(
            connections: registry, journal: journal, metrics: metrics, log: log, proxies: proxies, routing: routing
        ).register(in: &router)
        GatewayAPI(services).register(in: &router)
        server = try HTTPServer(Self.listening(settings), router: router)
        gauges.watch(server)
    }

    /// - Parameter context: what adapters may use; nothing where settings are only checked.
    static func directory(_ settings: ServerSettings, _ context: AdapterContext = AdapterContext()) -> ConnectionDirectory {
        ConnectionDirectory(
            path: settings.adapters, adapters: AdapterCatalog.adapters, environment: Environment.variables,
            defaultCountry: settings.defaultCountry, context: context)
    }

    private static func surroundings(
        _ settings: ServerSettings, _ registry: ConnectionRegistry, _ readers: ReaderPool
    ) -> UpkeepService.Surroundings {
        let folder = ConnectionNoteFolder(path: settings.data + "/upkeep")
        return UpkeepService.Surroundings(
            address: { id in settings.publicURL.flatMap { registry.current[id.name]?.address(at: $0) } },
            notes: folder.notes, makeRawID: { RawID(time: $0, rest: UInt128.random(in: .min ... .max)) },
            openCalls: { connection in await openCalls(of: connection, readers) },
            onHeard: { registry.current[$0.name]?.counters.countAccepted($1, at: $2) })
    }

    /// What cannot be read is told by whoever keeps the journal; a keeper then begins with nothing, as a new one does.
    private static func openCalls(of connection: ConnectionID, _ readers: ReaderPool) async -> [CommandTarget] {
        let calls = try? await readers.read { reader in
            try reader.openCalls().compactMap { try reader.call($0) }.filter { $0.connection == connection }
        }
        return (calls ?? []).compactMap { try? CommandTarget(record: $0.body) }
    }

    private static func listening(_ settings: ServerSettings) -> HTTPServerConfiguration {
        var limits = HTTPLimits()
        // All of the world comes through a proxy's one address.
        limits.addressCapExemptions += settings.trustedProxies
        return HTTPServerConfiguration(
            listen: settings.listen, tls: settings.tls.map { TLSIdentity(certificatePath: $0.certificate, keyPath: $0.key) },
            loops: settings.loops ?? standardLoops, limits: limits)
    }

    /// One core is left to the journal's writer and the ledger.
    private static var standardLoops: Int { max(1, Environment.processorCount - 1) }

    /// Loads the connections, starts the ledger and listens.
    /// - Returns: the addresses listened on.
    func open() throws -> [SocketAddress] {
        registry.reload()
        let ledger = ledger
        _ = try SystemThread(named: "ledger", niceness: 19) { ledger.run() }
        return try server.start()
    }

    /// Ends in order: no new requests, answers to the open ones, the ledger, the journal's last commit, other people's
    /// programs.
    func close(deadline: Duration) async {
        desk.close()
        routing?.dispatch.close()
        await server.shutdown(deadline: deadline)
        await recordingClient.shutdown()
        ledger.stop()
        await outgoing.shutdown()
        await streams.shutdown()
        readers.close()
        if !journal.close() { log.warning("journal.slow_close", LogField("hint", "its last commit goes on; wait for it")) }
        // Last: what the ledger can no longer ask a program about must not be committed as unreadable.
        children.shutdown()
    }
}
