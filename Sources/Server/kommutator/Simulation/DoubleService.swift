import ArgumentParser
import Connector
import DoubleServer
import HTTPClient
import Network
import VendorSimulators

/// `simulate --serve`: a vendor's API made up, until the process is ended.
struct DoubleService {
    let settings: SimulationSettings
    let faults: DoubleFaults
    let speed: Double
    let seed: UInt64

    /// - Throws: `ExitCode` after writing what is wrong.
    func run(_ vendor: any VendorDouble.Type, on port: UInt16) async throws {
        let client = try OutgoingHTTP(name: "simulate")
        let stage = DoubleStage(
            try double(vendor), faults: faults, gateway: settings.address, over: client, clock: ContinuousClock(), speed: speed,
            seed: seed
        ) { Console.complain("\($0)") }
        do {
            let server = try DoubleServer(stage, on: SocketAddress(.loopbackV4, port: port), timekeeper: SystemClock())
            try await server.run { Console.say("\(vendor.adapter): set `base_url: \($0)`") }
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
