import ArgumentParser
import Gateway

/// The flags that say which gateway is meant.
struct ServerOptions: ParsableArguments {
    @Option(help: ArgumentHelp("The server's own settings.", valueName: "file"))
    var config: String?

    @Option(help: ArgumentHelp("Addresses to listen on, with commas between: 127.0.0.1:8080,[::1]:8080.", valueName: "address"))
    var listen: String?

    @Option(help: ArgumentHelp("The folder of the journal (standard: var).", valueName: "folder"))
    var data: String?

    @Option(help: ArgumentHelp("The folder of connections (standard: adapters.d).", valueName: "folder"))
    var adapters: String?

    /// The settings with everything there is to say of them.
    func read() -> ServerSettings.Loaded {
        ServerSettings.load(
            file: config, flags: ServerFlags(listen: listen, data: data, adapters: adapters),
            environment: Environment.variables)
    }

    /// The settings; every problem is printed.
    /// - Throws: `ExitCode` 78 (EX_CONFIG) where there is one.
    func load() throws -> ServerSettings {
        let loaded = read()
        guard loaded.problems.isEmpty else {
            for problem in loaded.problems { Console.complain(problem.description) }
            throw SystemExit.configuration
        }
        return loaded.settings
    }
}
