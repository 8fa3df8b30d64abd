/// What one event costs by itself, in CPU time: `swift run -c release benchmarks`.
@main enum Benchmarks {
    static func main() async throws {
        // `benchmarks outgoing`, `benchmarks memory`, `benchmarks sip`, `benchmarks asterisk`, `benchmarks media` and
        // `benchmarks adapters [NAME...]` measure that alone.
        if CommandLine.arguments.dropFirst() == ["outgoing"] { return try await OutgoingBenchmark().run() }
        if CommandLine.arguments.dropFirst() == ["memory"] { return try LedgerMemoryBenchmark.run() }
        if CommandLine.arguments.dropFirst() == ["sip"] {
            SIPParsingBenchmark.run()
            SIPTransactionsBenchmark.run()
            return SIPAccountsBenchmark.run()
        }
        if CommandLine.arguments.dropFirst().first == "media" {
            return try MediaBenchmark.run(Array(CommandLine.arguments.dropFirst(2)))
        }
        if CommandLine.arguments.dropFirst().first == "rtp-load" {
            return try RTPLoad.run(Array(CommandLine.arguments.dropFirst(2)))
        }
        if CommandLine.arguments.dropFirst().first == "asterisk" {
            return try await AsteriskBenchmark.run(Array(CommandLine.arguments.dropFirst(2)))
        }
        if CommandLine.arguments.dropFirst().first == "adapters" {
            return try AdapterBenchmark.run(Array(CommandLine.arguments.dropFirst(2)))
        }
        try LedgerMemoryBenchmark.run()
        try DecodingBenchmark(adapter: "beeline").run()
        try DecodingBenchmark(adapter: "mango").run()
        try DecodingBenchmark(adapter: "zadarma").run()
        FoldingBenchmark.run()
        SIPParsingBenchmark.run()
        try MediaBenchmark.run()
        SIPTransactionsBenchmark.run()
        SIPAccountsBenchmark.run()
        try AdapterBenchmark.run()
        try await OutgoingBenchmark().run()
        try await AsteriskBenchmark.run()
    }
}
