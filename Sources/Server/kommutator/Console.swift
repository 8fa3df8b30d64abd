import ArgumentParser
import Glibc

/// Words to the person at the terminal: results go to standard output, everything else to standard error.
enum Console {
    static func complain(_ line: String) { write("\(line)\n", to: STDERR_FILENO) }

    /// Writes over the present line of standard error; for terminals.
    static func overwrite(_ line: String) { write("\r\u{1B}[K\(line)", to: STDERR_FILENO) }

    static func say(_ line: String) { write("\(line)\n", to: STDOUT_FILENO) }

    static func write(_ bytes: [UInt8]) { bytes.withUnsafeBytes { write($0, to: STDOUT_FILENO) } }

    private static func write(_ text: String, to descriptor: Int32) {
        var text = text
        text.withUTF8 { write(UnsafeRawBufferPointer($0), to: descriptor) }
    }

    private static func write(_ bytes: UnsafeRawBufferPointer, to descriptor: Int32) {
        var rest = bytes
        while let base = rest.baseAddress, !rest.isEmpty {
            let count = Glibc.write(descriptor, base, rest.count)
            guard count > 0 else { return }
            rest = UnsafeRawBufferPointer(rebasing: rest[count...])
        }
    }
}

/// Exit codes after sysexits.h.
enum SystemExit {
    static let usage = ExitCode(64)
    static let data = ExitCode(65)
    static let unavailable = ExitCode(69)
    static let software = ExitCode(70)
    static let temporary = ExitCode(75)
    static let configuration = ExitCode(78)
}
