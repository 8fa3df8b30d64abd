import Connector
import Glibc

/// A time zone of the IANA database: its distance from UTC at any moment.
///
/// Read from the system's zoneinfo once and kept by whoever needs it; a shared value, two small arrays. Foundation's zones are not
/// used: they bring tens of megabytes of ICU along.
package struct LocalZone: Sendable, Equatable {
    /// The database's name: `Europe/Moscow`.
    package let name: String
    /// Seconds since 1970 at which another offset begins, ascending; offsets has one more: that before the first.
    let transitions: [Int64]
    let offsets: [Int64]
    /// What holds behind the last transition.
    let rule: ZoneRule?

    package static let utc = LocalZone(name: "UTC", transitions: [], offsets: [0], rule: nil)

    init(name: String, transitions: [Int64], offsets: [Int64], rule: ZoneRule?) {
        self.name = name
        self.transitions = transitions
        self.offsets = offsets
        self.rule = rule
    }

    /// Finds a zone in the system's database.
    /// - Parameter directory: where the database lies.
    /// - Throws: `LocalZoneError`.
    package init(named name: String, in directory: String = "/usr/share/zoneinfo") throws(LocalZoneError) {
        if name == "UTC" {
            self = .utc
            return
        }
        guard Self.isName(name) else { throw LocalZoneError(.badName, zone: name) }
        let path = "\(directory)/\(name)"
        guard let bytes = Self.readFile(path) else {
            throw LocalZoneError(access(directory, R_OK) == 0 ? .unknownZone : .noDatabase, zone: name)
        }
        guard let zone = ZoneFile(bytes).read(name: name) else { throw LocalZoneError(.damaged, zone: name) }
        self = zone
    }

    /// Seconds to add to UTC for the local time at that moment.
    package func offset(at seconds: Int64) -> Int64 {
        if let rule, seconds >= (transitions.last ?? .min) { return rule.offset(at: seconds) }
        var low = 0
        var high = transitions.count
        while low < high {
            let middle = (low + high) / 2
            if transitions[middle] <= seconds { low = middle + 1 } else { high = middle }
        }
        return offsets[low]
    }

    /// Letters, digits and `_+-` between single slashes: no way out of the directory.
    private static func isName(_ name: String) -> Bool {
        let parts = name.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
        return name.utf8.count <= 64
            && parts.allSatisfy { part in
                !part.isEmpty
                    && part.allSatisfy { byte in
                        switch byte | 0x20 {
                        case UInt8(ascii: "a")...UInt8(ascii: "z"): byte >= 0x41
                        default: (0x30...0x39).contains(byte) || "_+-".utf8.contains(byte)
                        }
                    }
            }
    }

    /// A file of the database, at most 64 KB; nil where there is none.
    private static func readFile(_ path: String) -> [UInt8]? {
        guard let file = fopen(path, "rbe") else { return nil }
        defer { fclose(file) }
        var bytes = [UInt8](repeating: 0, count: 1 << 16)
        let count = fread(&bytes, 1, bytes.count, file)
        guard ferror(file) == 0 else { return nil }
        return Array(bytes[..<count])
    }
}

/// Why a zone cannot be used.
package struct LocalZoneError: Error, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        case badName, unknownZone, noDatabase, damaged
    }

    package let code: Code
    package let zone: String

    init(_ code: Code, zone: String) {
        self.code = code
        self.zone = zone
    }

    package var description: String {
        switch code {
        case .badName: "\"\(zone)\" cannot be a time zone's name; write one like Europe/Moscow"
        case .unknownZone: "time zone \"\(zone)\" is not in /usr/share/zoneinfo; write one like Europe/Moscow"
        case .noDatabase: "there is no time zone database; install the package tzdata"
        case .damaged: "the system's file of time zone \"\(zone)\" cannot be read; install the package tzdata again"
        }
    }
}
