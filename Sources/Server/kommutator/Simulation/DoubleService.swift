import ArgumentParser
import Connector
import DoubleServer
import Glibc
import HTTPClient
import Network
import VendorSimulators

/// `simulate --serve`: a vendor's API made up, until the process is ended.
struct DoubleService {
    let settings: SimulationSettings
    let faults: DoubleFaults
    let speed: Double
    let seed: UInt64
    /// Calls that nobody orders.
    let plan: DoublePlan?
    /// Where what really happened is written, one JSON object a line.
    let truth: String?

    /// - Throws: `ExitCode` after writing what is wrong.
    func run(_ vendor: any VendorDouble.Type, on port: UInt16) async throws {
        let book = try truth.map(TruthBook.init)
        let client = try OutgoingHTTP(name: "simulate")
        let stage = DoubleStage(
            try double(vendor), faults: faults, gateway: settings.address, over: client, clock: ContinuousClock(),
            timekeeper: SystemClock(), speed: speed, seed: seed
        ) { news in
            if case .ended(let truth) = news { book?.write(truth) }
            Console.complain("\(news)")
        }
        do {
            let server = try DoubleServer(stage, on: SocketAddress(.loopbackV4, port: port), timekeeper: SystemClock())
            try await server.run(playing: plan) { Console.say("\(vendor.adapter): set `base_url: \($0)`") }
        } catch let error as NetworkError {
            Console.complain("Error: \(error)")
            throw SystemExit.unavailable
        }
        await client.shutdown()
    }

    private func double(_ vendor: any VendorDouble.Type) throws -> any VendorDouble {
        do {
            return try vendor.init(settings: settings.adapter, faults: faults, seed: seed)
        } catch let error as SettingsError {
            Console.complain("Error: \(vendor.adapter): \(error)")
            throw SystemExit.configuration
        }
    }
}

/// The file of `--truth`: a line for each call that is over, written as soon as it is.
///
/// `@unchecked Sendable`: the stage that writes is one actor.
final class TruthBook: @unchecked Sendable {
    private let file: UnsafeMutablePointer<FILE>
    private var isBroken = false

    /// - Throws: `ExitCode` after writing what is wrong.
    init(_ path: String) throws {
        guard let file = fopen(path, "w") else {
            Console.complain("Error: \(path): cannot be written: \(String(cString: strerror(errno)))")
            throw SystemExit.unwritable
        }
        self.file = file
    }

    deinit { fclose(file) }

    /// A truth that cannot be written whole is none: it is said once, and the file ends there.
    func write(_ truth: CallTruth) {
        guard !isBroken else { return }
        let line = truth.json + [UInt8(ascii: "\n")]
        isBroken = fwrite(line, 1, line.count, file) != line.count || fflush(file) != 0
        if isBroken { Console.complain("Error: the truth cannot be written: \(String(cString: strerror(errno)))") }
    }
}
