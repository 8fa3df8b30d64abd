import ArgumentParser
import VendorSimulators

/// What goes wrong on demand while a vendor's API is played, and what is written down of it. The seed decides whom it strikes.
struct FaultOptions: ParsableArguments {
    @Option(help: "The share of webhooks that never arrive: 5%.")
    var lose: Share?

    @Option(name: .customLong("repeat"), help: "The share of webhooks that arrive twice: 5%.")
    var repeated: Share?

    @Option(help: "Milliseconds by which answers and webhooks come later.")
    var delay: Int?

    @Option(help: "Answer requests with this HTTP status, or this code of the vendor's.")
    var fail: Int?

    @Option(help: "The share of requests that --fail strikes. Default: all.")
    var failShare: Share?

    @Option(help: "Seconds after which, as --fail says, one may ask again (Retry-After).")
    var retryAfter: Int?

    @Option(help: "The share of requests that are carried out and never answered.")
    var hang: Share?

    @Option(help: "The share of requests that are carried out and whose answer stops in its middle, with the connection open.")
    var halfOpen: Share?

    @Option(help: "How much later the vendor's clock is: 3h, -90m.")
    var clock: TimeShift?

    @Option(help: "How much later the times of the vendor's log are, as if written in another time zone: 2h.")
    var logZone: TimeShift?

    @Option(help: "Beeline: the longest time in seconds for which a subscription is granted.")
    var grant: Int?

    @Option(help: "Beeline: seconds after which it ends a subscription by itself.")
    var endSubscriptions: Int?

    @Option(help: "Write what really happened to this file: one JSON object for each call that is over.")
    var truth: String?

    @Flag(help: "Play the scenarios in an order of the seed's instead of in turn.")
    var mixed = false

    var isGiven: Bool { faults != .none || truth != nil || mixed }

    var faults: DoubleFaults {
        var faults = DoubleFaults(
            lostShare: lose?.value ?? 0, repeatedShare: repeated?.value ?? 0, delay: .milliseconds(delay ?? 0), code: fail)
        faults.codeShare = failShare?.value ?? 1
        faults.retryAfter = retryAfter.map { .seconds($0) }
        faults.silentShare = hang?.value ?? 0
        faults.brokenShare = halfOpen?.value ?? 0
        faults.clockOffset = clock?.value ?? .zero
        faults.logOffset = logZone?.value ?? .zero
        faults.longestGrant = grant.map { .seconds($0) }
        faults.endsSubscriptionAfter = endSubscriptions.map { .seconds($0) }
        return faults
    }

    func validate() throws {
        if let delay, !(0...600_000).contains(delay) { throw ValidationError("--delay is 0 to 600000 milliseconds") }
        if let fail, !(200...9999).contains(fail) { throw ValidationError("--fail is an HTTP status, or a code of the vendor's") }
        if fail == nil, failShare != nil || retryAfter != nil {
            throw ValidationError("--fail-share and --retry-after go with --fail")
        }
        for (seconds, name) in [(retryAfter, "retry-after"), (grant, "grant"), (endSubscriptions, "end-subscriptions")] {
            if let seconds, !(1...2_592_000).contains(seconds) { throw ValidationError("--\(name) is 1 to 2592000 seconds") }
        }
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

/// By how much a clock is off, as it is typed: `3h`, `-90m`, `+45s`; two days at most.
struct TimeShift: ExpressibleByArgument {
    let value: Duration

    init?(argument: String) {
        guard let unit = argument.last, let length = ["h": 3600, "m": 60, "s": 1][unit], let number = Int(argument.dropLast()),
            (-172_800 / length...172_800 / length).contains(number)
        else { return nil }
        value = .seconds(number * length)
    }
}
