import Connector
import Network

/// Reads `kommutator.yaml`.
struct ServerFile {
    private let folder: String
    private let secrets: SecretSource
    private var reading: ConfigurationReading
    private var settings = ServerSettings.standard

    var problems: [ConfigurationProblem] { reading.problems }
    private(set) var notes: [ConfigurationProblem] = []

    init(file: String, environment: [String: String]) {
        reading = ConfigurationReading(file: file)
        folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? ""
        secrets = SecretSource(environment: environment, folder: folder.isEmpty ? "." : folder)
    }

    mutating func read(_ text: String) -> ServerSettings {
        guard let fields = reading.document(text) else { return settings }
        reading.refuseUnknown(fields, known: ServerSettings.keys)
        for field in fields where !field.value.isEmpty { read(field) }
        checkLookup(fields)
        return settings
    }

    private mutating func read(_ field: ConfigurationField) {
        switch field.name {
        case "listen": readListen(field)
        case "data": settings.data = reading.text(field).map(located) ?? settings.data
        case "adapters": settings.adapters = reading.text(field).map(located) ?? settings.adapters
        case "tls": readTLS(field)
        case "default_country":
            settings.defaultCountry = reading.value(field, ConfigurationText.country) ?? settings.defaultCountry
        case "retention": readRetention(field)
        case "recordings": readRecordings(field)
        case "lookup_url": settings.lookupURL = reading.value(field, ConfigurationText.webAddress)
        case "lookup_secret": settings.lookupSecret = readSecret(field)
        case "lookup_cache":
            settings.lookupKept = reading.value(field, ConfigurationText.durationOrNothing) ?? settings.lookupKept
        case "trusted_proxies": settings.trustedProxies = readNetworks(field)
        case "public_url": settings.publicURL = reading.value(field, ConfigurationText.baseAddress)
        case "loops": settings.loops = reading.integer(field, in: 1...256)
        default: break
        }
    }

    private mutating func readListen(_ field: ConfigurationField) {
        var addresses: [SocketAddress] = []
        for (text, place) in reading.list(field) {
            do {
                addresses.append(try SocketAddress(text))
            } catch {
                reading.note(
                    "`listen`: `\(text)` is no address and port", hint: ServerSettings.addressHint, at: place)
            }
        }
        if !addresses.isEmpty { settings.listen = addresses }
    }

    private mutating func readTLS(_ field: ConfigurationField) {
        guard let fields = reading.fields(of: field.value, called: "`tls`") else { return }
        reading.refuseUnknown(fields, known: ["cert", "key"])
        var paths: [String: String] = [:]
        for field in fields { paths[field.name] = reading.text(field).map(located) }
        guard let certificate = paths["cert"], let key = paths["key"] else {
            reading.note("`tls` needs both `cert` and `key`", hint: "name the two PEM files", at: field.place)
            return
        }
        settings.tls = ServerSettings.TLS(certificate: certificate, key: key)
    }

    /// A reference `env:NAME` or `file:PATH`; relative paths start at the file's folder.
    private mutating func readSecret(_ field: ConfigurationField) -> String? {
        let secrets = secrets
        return reading.value(field) { text throws(SettingProblem) in
            do throws(SettingProblem) {
                return try secrets.resolve(text)
            } catch {
                throw SettingProblem("`\(field.name)`: \(error.problem)", hint: error.hint)
            }
        }
    }

    /// What the CRM is asked with, taken together.
    private mutating func checkLookup(_ fields: [ConfigurationField]) {
        guard let field = fields.first(where: { $0.name == "lookup_url" && !$0.value.isEmpty }) else {
            if let secret = fields.first(where: { $0.name == "lookup_secret" }) {
                note("`lookup_secret` signs nothing: there is no `lookup_url`", hint: "name the CRM's address too", at: secret)
            }
            return
        }
        guard let url = settings.lookupURL else { return }
        if settings.lookupSecret == nil {
            note(
                "questions to `lookup_url` are not signed: the CRM cannot tell them from others'",
                hint: "set `lookup_secret`, as env:NAME or file:PATH; `kommutator doctor` asks the CRM once", at: field)
        }
        if let address = WebAddress(String(url.prefix { $0 != "?" })), !address.isSecure, !address.isOnThisMachine {
            note("numbers travel to `lookup_url` without encryption", hint: "use https:// unless the way is yours", at: field)
        }
    }

    private mutating func note(_ problem: String, hint: String, at field: ConfigurationField) {
        notes.append(
            ConfigurationProblem(
                file: reading.file, line: field.place.line, column: field.place.column, problem: problem, hint: hint))
    }

    private mutating func readNetworks(_ field: ConfigurationField) -> [IPNetwork] {
        var networks: [IPNetwork] = []
        for (text, place) in reading.list(field) {
            do {
                networks.append(try ConfigurationText.network(text))
            } catch {
                reading.note(SettingProblem("`\(field.name)`: \(error.problem)", hint: error.hint), at: place)
                continue
            }
            guard networks.last?.holdsEverybody == true else { continue }
            reading.note(
                "`\(field.name)`: `\(text)` believes everybody, so that whoever calls may choose the address that is seen",
                hint: "name the proxies' own addresses", at: place)
        }
        return networks
    }

    private mutating func readRetention(_ field: ConfigurationField) {
        guard let fields = reading.fields(of: field.value, called: "`retention`") else { return }
        reading.refuseUnknown(fields, known: ["changes", "raw", "recordings"])
        for field in fields where !field.value.isEmpty {
            switch field.name {
            case "changes":
                settings.changeRetention = reading.value(field, ConfigurationText.duration) ?? settings.changeRetention
            case "raw":
                guard let kept = reading.value(field, ConfigurationText.durationOrNone) else { continue }
                settings.rawRetention = kept == .zero ? nil : kept
            case "recordings":
                guard let kept = reading.value(field, ConfigurationText.durationOrNone) else { continue }
                settings.recordingRetention = kept == .zero ? nil : kept
            default: break
            }
        }
    }

    private mutating func readRecordings(_ field: ConfigurationField) {
        guard let fields = reading.fields(of: field.value, called: "`recordings`") else { return }
        reading.refuseUnknown(fields, known: ["at_once"])
        for field in fields where field.name == "at_once" {
            settings.recordingConcurrency = reading.integer(field, in: 0...64) ?? settings.recordingConcurrency
        }
    }

    /// A path as seen from the working directory.
    private func located(_ path: String) -> String {
        path.hasPrefix("/") || folder.isEmpty ? path : "\(folder)/\(path)"
    }
}

extension WebAddress {
    fileprivate var isOnThisMachine: Bool { host == "localhost" || host == "::1" || host.hasPrefix("127.") }
}
