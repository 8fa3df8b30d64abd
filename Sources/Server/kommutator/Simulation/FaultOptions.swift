import ArgumentParser
import VendorSimulators

/// What goes wrong on demand while a vendor's API is played.
struct FaultOptions: ParsableArguments {
    @Option(help: "The share of webhooks that never arrive: 5%.")
    var lose: Share?

    @Option(name: .customLong("repeat"), help: "The share of webhooks that arrive twice: 5%.")
    var repeated: Share?

    @Option(help: "Milliseconds by which answers and webhooks come later.")
    var delay: Int?

    @Option(help: "Answer every request with this HTTP status, or this code of the vendor's.")
    var fail: Int?

    var isGiven: Bool { lose != nil || repeated != nil || delay != nil || fail != nil }

    var faults: DoubleFaults {
        DoubleFaults(
            lostShare: lose?.value ?? 0, repeatedShare: repeated?.value ?? 0, delay: .milliseconds(delay ?? 0), code: fail)
    }

    func validate() throws {
        if let delay, !(0...600_000).contains(delay) { throw ValidationError("--delay is 0 to 600000 milliseconds") }
        if let fail, !(200...9999).contains(fail) { throw ValidationError("--fail is an HTTP status, or a code of the vendor's") }
    }
}

/// A share in per cent, as it is typed: `5%` or `5`.
struct Share: ExpressibleByArgument {
    /// 0 to 1.
    let value: Double

    init?(argument: String) {
        guard let percent = Double(argument.hasSuffix("%") ? String(argument.dropLast()) : argument), (0...100).contains(percent)
        else { return nil }
        value = percent / 100
    }
}
