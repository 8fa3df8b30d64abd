/// What one event costs by itself, in CPU time: `swift run -c release benchmarks`.
@main enum Benchmarks {
    static func main() async throws {
        // `benchmarks outgoing` measures that alone.
        if CommandLine.arguments.dropFirst() == ["outgoing"] { return try await OutgoingBenchmark().run() }
        try DecodingBenchmark(adapter: "beeline").run()
        try DecodingBenchmark(adapter: "mango").run()
        try DecodingBenchmark(adapter: "zadarma").run()
        FoldingBenchmark.run()
        try AdapterBenchmark.runAll()
        try await OutgoingBenchmark().run()
    }
}
