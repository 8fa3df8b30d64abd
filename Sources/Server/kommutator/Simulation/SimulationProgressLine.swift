import VendorSimulators

/// Tells on the standard error, each second, how far a simulation is.
enum SimulationProgressLine {
    /// Runs `simulation` to its end.
    /// - Returns: what came of it.
    static func show(_ simulation: (SimulationProgress) async -> Void) async -> SimulationReport {
        let progress = SimulationProgress()
        let start = ContinuousClock.now
        let teller = Task {
            while !Task.isCancelled {
                try await Task.sleep(for: .seconds(1))
                let report = SimulationReport(progress.now, duration: start.duration(to: .now))
                Console.complain(report.progressLine)
            }
        }
        await simulation(progress)
        teller.cancel()
        return SimulationReport(progress.now, duration: start.duration(to: .now))
    }
}
