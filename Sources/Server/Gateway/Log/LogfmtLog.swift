import Connector
import Glibc

/// Writes one line per event: `time=… level=info event=connection.loaded connection=sales`.
package struct LogfmtLog: GatewayLog {
    private let clock: any Timekeeper
    private let least: LogLevel
    private let sink: @Sendable ([UInt8]) -> Void

    /// - Parameter sink: takes whole lines; the standard one writes each with one `write` to standard error.
    package init(
        clock: any Timekeeper, least: LogLevel = .info, sink: @escaping @Sendable ([UInt8]) -> Void = Self.writeToStandardError
    ) {
        self.clock = clock
        self.least = least
        self.sink = sink
    }

    package func write(_ level: LogLevel, _ event: StaticString, _ fields: [LogField]) {
        guard level.rank >= least.rank else { return }
        sink(Self.line(at: clock.now(), level, event, fields))
    }

    static func line(at time: Instant, _ level: LogLevel, _ event: StaticString, _ fields: [LogField]) -> [UInt8] {
        var line = "time=\(time) level=\(level.rawValue) event=\(event)"
        for field in fields { line += " \(field.name)=\(quoted(field.value))" }
        return Array(line.utf8) + [0x0A]
    }

    /// A value as it is where it is plain, else in quotes; never with a line end, so that nobody forges a line.
    private static func quoted(_ value: String) -> String {
        let isPlain = value.utf8.allSatisfy { $0 > 0x20 && $0 != 0x22 && $0 != 0x3D && $0 != 0x5C && $0 != 0x7F }
        guard value.isEmpty || !isPlain else { return value }
        var json = JSONWriter()
        json.value(value)
        return String(decoding: json.finish(), as: UTF8.self)
    }

    /// A line that the system does not take is lost: there is no other place to say so.
    package static let writeToStandardError: @Sendable ([UInt8]) -> Void = { line in
        _ = line.withUnsafeBytes { Glibc.write(STDERR_FILENO, $0.baseAddress, $0.count) }
    }
}

extension LogLevel {
    fileprivate var rank: Int {
        switch self {
        case .debug: 0
        case .info: 1
        case .warning: 2
        case .error: 3
        }
    }
}
