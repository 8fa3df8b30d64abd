import AdapterKit
import Connector

/// A translator that somebody else wrote, in any language: a program that is asked in JSON, one line in and one line out.
///
/// One value is one connection. The program is never on the way of a webhook to the journal: who may call is declared in the settings.
/// See README.md and `ProgramAdapters` in the documentation for the lines.
package struct ProgramAdapter: TelephonyAdapter {
    package static let descriptor = AdapterDescriptor(
        name: "program", title: "A program of your own", version: "1",
        settings: [
            SettingSpecification(
                "command", .list, isRequired: true,
                help: "the program and its arguments, as in [python3, my_pbx.py]; started in the folder of this file"),
            SettingSpecification(
                "auth", .choice(ProgramAuthentication.names), isRequired: true,
                help: "how a webhook proves itself: header, query or field (a shared token there), hmac (in a header), url_token"),
            SettingSpecification("auth_name", .text, help: "the name of that header, query field or body field"),
            SettingSpecification("auth_secret", .secret, help: "the shared token, or the key of the HMAC"),
            SettingSpecification(
                "auth_algorithm", .choice(["sha256", "sha1", "md5"]), standard: "sha256", help: "the hash of the HMAC"),
            SettingSpecification("headers", .list, help: "headers that the program wants to see, as in [x-event]"),
            SettingSpecification("acknowledgement", .text, help: "the body of the answer to a webhook; none where absent"),
            SettingSpecification(
                "answer_within", .text, standard: "2s", help: "how long the program may take for one request: 100ms to 10s"),
            SettingSpecification(
                "commands", .list,
                help: "what it can do beside reading, as in [originate, recordings, history]; it only listens where absent"),
            SettingSpecification(
                "base_url", .text, help: "the server of its recordings, where they need a key or are in your own network"),
            SettingSpecification("options", .text, help: "any text; handed to the program when it starts"),
            SettingSpecification("secret", .secret, help: "a secret of the program's own; handed to it when it starts"),
        ] + CommonSettings.all,
        headers: [])

    /// With the headers and commands that this connection's settings name.
    package let descriptor: AdapterDescriptor
    private let authentication: ProgramAuthentication
    private let reader: ProgramHost
    private let performer: ProgramHost
    private let fetcher: ProgramHost
    private let server: ServerAddress?

    package init(settings: AdapterSettings) throws { try self.init(settings: settings, context: AdapterContext()) }

    package init(settings: AdapterSettings, context: AdapterContext) throws {
        let reading = ProgramSettings(settings)
        let command = try reading.command()
        server = try ServerAddress(setting: "base_url", of: settings)
        authentication = try ProgramAuthentication(settings)
        let wanted = try reading.headers()
        var descriptor = Self.descriptor
        descriptor.headers = (["content-type"] + wanted + authentication.headers).reduce(into: []) { names, name in
            if !names.contains(name) { names.append(name) }
        }
        descriptor.capabilities = try reading.capabilities()
        self.descriptor = descriptor
        var plan = ProgramPlan(
            connection: settings.connection, command: command, answerWithin: try reading.answerWithin(),
            options: settings["options"], secret: settings["secret"])
        plan.hidden = [settings["auth_secret"], settings["secret"]].compactMap { $0 }
        reader = ProgramHost(plan, role: .decode, context)
        performer = ProgramHost(plan, role: .perform, context)
        fetcher = ProgramHost(plan, role: .fetch, context)
    }

    package var trouble: String? { reader.trouble ?? performer.trouble ?? fetcher.trouble }

    package func makeAuthenticator() -> any WebhookAuthenticator { authentication.makeAuthenticator() }

    package func makeDecoder() -> any EventDecoder {
        reader.warmUp()
        return ProgramDecoder(reader)
    }

    package func makeClient(_ outgoing: any Outgoing) -> (any ProviderClient)? {
        descriptor.capabilities.isEmpty
            ? nil : ProgramClient(performer, fetcher: fetcher, able: descriptor.capabilities, server: server)
    }
}

/// Reads a connection's settings.
private struct ProgramSettings {
    private let settings: AdapterSettings

    init(_ settings: AdapterSettings) { self.settings = settings }

    func command() throws -> [String] {
        let words = Self.words(try settings.required("command"))
        guard let name = words.first, !name.isEmpty, words.count <= 64, !words.contains(where: { $0.utf8.contains(0) }) else {
            throw SettingsError(setting: "command", problem: "names no program", hint: "write it as in [python3, my_pbx.py]")
        }
        return words
    }

    func headers() throws -> [String] {
        let names = Self.words(settings["headers"] ?? "").map { $0.lowercased() }
        guard names.count <= 32, names.allSatisfy(\.isHeaderName) else {
            throw SettingsError(setting: "headers", problem: "holds what is no header's name", hint: "write them as in [x-event]")
        }
        return names
    }

    func capabilities() throws -> [Capability] {
        try Self.words(settings["commands"] ?? "").map { word in
            guard let capability = Capability(rawValue: word), Self.able.contains(capability) else {
                let list = Self.able.map(\.rawValue).joined(separator: ", ")
                throw SettingsError(setting: "commands", problem: "names no command of a program", hint: "there are: \(list)")
            }
            return capability
        }
    }

    private static let able: [Capability] = [
        .originate, .hangup, .hold, .resume, .dtmf, .blindTransfer, .attendedTransfer, .recordStart, .recordStop,
        .recordings, .history,
    ]

    func answerWithin() throws -> Duration {
        let text = settings["answer_within"] ?? "2s"
        let digits = text.prefix { $0.isNumber }
        let unit = text[digits.endIndex...]
        if let number = DecimalInteger.parse(digits.utf8), number <= 10_000, unit == "s" || unit == "ms" {
            let duration: Duration = unit == "s" ? .seconds(number) : .milliseconds(number)
            if (Duration.milliseconds(100)...Duration.seconds(10)).contains(duration) { return duration }
        }
        throw SettingsError(setting: "answer_within", problem: "is no time from 100ms to 10s", hint: "write it as in 2s or 500ms")
    }

    /// A list as the gateway hands it over, a JSON array; or words with blanks between them.
    private static func words(_ text: String) -> [String] {
        if text.hasPrefix("["), case .array(let elements)? = try? JSONValue(parsing: text) {
            return elements.compactMap(\.string)
        }
        return text.split(whereSeparator: { $0 == " " || $0 == "," }).map(String.init)
    }
}

extension String {
    /// What header names are made of in practice.
    var isHeaderName: Bool {
        !isEmpty && utf8.count <= 64
            && utf8.allSatisfy {
                (0x30...0x39).contains($0) || (0x41...0x5A).contains($0 & 0xDF) || [0x2D, 0x2E, 0x5F].contains($0)
            }
    }
}
