/// Where the gateway tells what happens. The root connects it with the process's log.
///
/// Callers put no secret, no body and no whole phone number into fields: see `Masking`.
package protocol GatewayLog: Sendable {
    func write(_ level: LogLevel, _ event: StaticString, _ fields: [LogField])
}

package enum LogLevel: String, Sendable, CaseIterable {
    case debug, info, warning, error
}

/// One `name=value` of a log line.
package struct LogField: Sendable, Equatable {
    package var name: String
    package var value: String

    package init(_ name: String, _ value: String) {
        self.name = name
        self.value = value
    }
}

extension GatewayLog {
    package func info(_ event: StaticString, _ fields: LogField...) { write(.info, event, fields) }
    package func warning(_ event: StaticString, _ fields: LogField...) { write(.warning, event, fields) }
    package func error(_ event: StaticString, _ fields: LogField...) { write(.error, event, fields) }
}

/// Says nothing.
package struct SilentLog: GatewayLog {
    package init() {}
    package func write(_ level: LogLevel, _ event: StaticString, _ fields: [LogField]) {}
}
