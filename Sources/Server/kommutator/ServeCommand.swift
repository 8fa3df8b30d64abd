import ArgumentParser
import CSystem
import Connector
import Gateway
import Network

/// `kommutator serve`: runs the gateway until SIGTERM or SIGINT.
struct ServeCommand: AsyncParsableCommand {
    static let configuration = CommandConfiguration(
        commandName: "serve", abstract: "Run the gateway.",
        discussion: """
            SIGTERM and SIGINT end it in order, SIGHUP reads certificates and connections again.

            Examples:
              kommutator serve --demo
              kommutator serve --config /etc/kommutator/kommutator.yaml
              kommutator serve --listen 0.0.0.0:8080 --data /var/lib/kommutator --adapters /etc/kommutator/adapters.d
            """)

    @OptionGroup var server: ServerOptions

    @Flag(help: "Play made-up calls of every vendor, on connections of their own, instead of adapters.d.")
    var demo = false

    private static let shutdownDeadline = Duration.seconds(10)

    func run() async throws {
        let signals = try Signals.stream([SIGTERM, SIGINT, SIGHUP])
        let log = LogfmtLog(clock: SystemClock())
        var settings = try server.load()
        let playground = demo ? try DemoPlayground(data: settings.data) : nil
        if let playground { settings.adapters = playground.adapters }
        let house: House
        let admin: AdminSocket
        let addresses: [SocketAddress]
        do {
            house = try House(settings, log: log)
            // Before the port is open: who sees it open may ask for a key.
            admin = try AdminSocket(house: house)
            addresses = try house.open()
        } catch {
            Console.complain("kommutator: \(error)")
            throw SystemExit.unavailable
        }
        let scheme = settings.tls == nil ? "http" : "https"
        for address in addresses { log.info("serving", LogField("address", "\(scheme)://\(address)")) }
        let base = addresses.first.map { "\(scheme)://\($0)" }
        if let playground, let base { try await playground.welcome(to: house, at: base) }
        await serve(house, until: signals, playground: playground, base: base)
        admin.close()
        await house.close(deadline: Self.shutdownDeadline)
        log.info("stopped")
    }

    /// Works until the first signal that ends.
    private func serve(
        _ house: House, until signals: AsyncStream<Int32>, playground: DemoPlayground?, base: String?
    ) async {
        await withTaskGroup(of: Void.self) { group in
            group.addTask { await house.watchConnections() }
            group.addTask { await house.keepRetention() }
            group.addTask { await house.followCommands() }
            group.addTask { await StartUpMemory.giveBackAfterStart() }
            // The demonstration's vendors are told by the demonstration, which has no public address.
            if playground == nil {
                group.addTask { await house.upkeep.run() }
                group.addTask { await house.reconciler.run() }
            }
            if house.settings.recordingConcurrency > 0 { group.addTask { await house.recordings.run() } }
            if house.settings.recordingRetention != nil { group.addTask { await house.recordings.keepRetention() } }
            if let playground, let base { group.addTask { await playground.play(at: base, in: house) } }
            for await signal in signals {
                guard signal == SIGHUP else { break }
                await house.reload()
            }
            group.cancelAll()
        }
    }
}

extension House {
    /// Follows changes in the folder of connections until cancelled.
    func watchConnections() async {
        do {
            try await registry.watch()
        } catch {
            // Cancelled: the gateway ends.
        }
    }

    /// Follows commands to the calls they make, until cancelled.
    func followCommands() async {
        do {
            try await desk.recover()
        } catch {
            log.error("commands.unreadable", LogField("cause", "\(error)"))
        }
        while !Task.isCancelled {
            do {
                try await Task.sleep(for: .milliseconds(250))
            } catch {
                return
            }
            if desk.followedCount > 0 { await desk.follow() }
        }
    }

    /// Keeps the change log within `retention.changes` and the inbox within `retention.raw`, an hour at a time, until cancelled.
    func keepRetention() async {
        while !Task.isCancelled {
            let now = SystemClock().now()
            _ = journal.collapseChanges(olderThan: now.advanced(by: .zero - settings.changeRetention)) { [log] result in
                switch result {
                case .success(0): break
                case .success(let count): log.info("changes.collapsed", LogField("count", "\(count)"))
                case .failure(let error): log.error("changes.collapse_failed", LogField("reason", error.description))
                }
            }
            if let retention = settings.rawRetention { removeRawRecords(olderThan: now.advanced(by: .zero - retention)) }
            do { try await Task.sleep(for: .seconds(3600)) } catch { return }
        }
    }

    private func removeRawRecords(olderThan moment: Instant) {
        _ = journal.removeRawRecords(olderThan: moment) { [log] result in
            switch result {
            case .success(0): break
            case .success(let count): log.info("requests.removed", LogField("count", "\(count)"))
            case .failure(let error): log.error("requests.removal_failed", LogField("reason", error.description))
            }
        }
    }

    /// SIGHUP: certificates for new connections, connections if their files changed.
    func reload() async {
        registry.reload()
        do {
            try await server.reloadTLS()
            log.info("reloaded")
        } catch {
            log.error("tls.reload_failed", LogField("reason", "\(error)"), LogField("hint", "the old certificate stays in use"))
        }
    }
}
