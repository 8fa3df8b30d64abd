import Connector
import Network

/// Reads `kommutator.yaml`.
struct ServerFile {
    private let folder: String
    private var reading: ConfigurationReading
    private var settings = ServerSettings.standard

    var problems: [ConfigurationProblem] { reading.problems }
    private(set) var notes: [ConfigurationProblem] = []

    init(file: String) {
        reading = ConfigurationReading(file: file)
        folder = file.lastIndex(of: "/").map { String(file[..<$0]) } ?? ""
    }

    mutating func read(_ text: String) -> ServerSettings {
        guard let fields = reading.document(text) else { return settings }
        reading.refuseUnknown(fields, known: ServerSettings.keys)
        for field in fields where !field.value.isEmpty { read(field) }
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
        case "lookup_url": readLookup(field)
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

    private mutating func readLookup(_ field: ConfigurationField) {
        guard let address = reading.value(field, ConfigurationText.webAddress) else { return }
        settings.lookupURL = address
        notes.append(
            ConfigurationProblem(
                file: reading.file, line: field.place.line, column: field.place.column,
                problem: "`lookup_url` is read but not asked yet in this version", hint: "it does no harm; nothing depends on it")
        )
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
