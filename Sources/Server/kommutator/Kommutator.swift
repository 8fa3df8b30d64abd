import ArgumentParser

/// The command line; what each command does is in a file of its own.
@main struct Kommutator: AsyncParsableCommand {
    static let version = "0.1.0"

    static let configuration = CommandConfiguration(
        commandName: "kommutator",
        abstract: "A gateway between telephony and CRMs: every call, once, correct, at once.",
        discussion: """
            First steps:
              kommutator serve --demo                 see demo calls of every vendor
              kommutator check                        check every file of adapters.d
              kommutator key create --name crm        make a key for the CRM's API
              kommutator doctor                       find out why it does not work
            """,
        version: version,
        subcommands: [
            ServeCommand.self, CheckCommand.self, KeyCommand.self, SimulateCommand.self, CallsCommand.self, ReplayCommand.self,
            DoctorCommand.self, AdapterCommand.self, RouteCommand.self,
        ])
}
