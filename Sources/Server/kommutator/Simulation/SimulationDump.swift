import ArgumentParser
import Connector
import Glibc
import VendorSimulators

/// Writes a plan's requests instead of sending them: one JSON object a line, call after call.
struct SimulationDump {
    private let plan: SimulationPlan
    private let path: String

    /// - Parameter path: of the connection's entrance: `/hooks/sales`.
    init(_ plan: SimulationPlan, path: String) {
        self.plan = plan
        self.path = path
    }

    /// - Parameter file: `-` is the standard output; a file that is there is replaced.
    /// - Throws: `ExitCode` after writing what is wrong.
    func write(to file: String) throws {
        guard let stream = file == "-" ? fdopen(dup(STDOUT_FILENO), "w") : fopen(file, "w") else { throw refusal(file) }
        var isWritten = true
        for number in 0..<plan.calls where isWritten { isWritten = write(number, to: stream) }
        isWritten = fclose(stream) == 0 && isWritten
        guard isWritten else { throw refusal(file) }
    }

    private func write(_ number: Int, to stream: UnsafeMutablePointer<FILE>) -> Bool {
        guard let (_, call) = plan.call(number, at: SystemClock().now()) else { return true }
        return call.steps.allSatisfy { step in
            let line = step.jsonLine(at: path)
            return fwrite(line, 1, line.count, stream) == line.count
        }
    }

    private func refusal(_ file: String) -> ExitCode {
        Console.complain("Error: \(file): cannot be written: \(String(cString: strerror(errno)))")
        return SystemExit.unwritable
    }
}
