import Connector

/// An amount, in ten-thousandths of the plan's currency.
package struct Money: Hashable, Comparable, Sendable {
    package var tenThousandths: Int64

    package init(tenThousandths: Int64) { self.tenThousandths = tenThousandths }

    package static let zero = Money(tenThousandths: 0)
    /// Beyond any bill, and far from the end of its numbers.
    package static let most = Money(tenThousandths: 10_000_000_000_000)

    /// Reads `12`, `1.5`, `0.0125`: at most four digits behind the point.
    package init?(_ text: some StringProtocol) {
        let parts = text.utf8.split(separator: UInt8(ascii: "."), maxSplits: 1, omittingEmptySubsequences: false)
        guard let whole = parts.first.flatMap({ Self.number($0, digits: 1...9) }) else { return nil }
        var fraction: Int64 = 0
        if parts.count == 2 {
            guard let number = Self.number(parts[1], digits: 1...4) else { return nil }
            fraction = (parts[1].count..<4).reduce(number) { value, _ in value * 10 }
        }
        self.init(tenThousandths: whole * 10_000 + fraction)
    }

    private static func number(_ bytes: some Collection<UInt8>, digits: ClosedRange<Int>) -> Int64? {
        guard digits.contains(bytes.count), bytes.allSatisfy({ (0x30...0x39).contains($0) }) else { return nil }
        return bytes.reduce(0) { $0 * 10 + Int64($1 - 0x30) }
    }

    package static func < (left: Money, right: Money) -> Bool { left.tenThousandths < right.tenThousandths }

    package static func + (left: Money, right: Money) -> Money {
        let (sum, overflows) = left.tenThousandths.addingReportingOverflow(right.tenThousandths)
        return overflows ? .most : min(Money(tenThousandths: sum), .most)
    }
}

extension Money: CustomStringConvertible {
    /// `1.50`, `0.0125`, `12.00`: two digits behind the point at least.
    package var description: String {
        var fraction = String(tenThousandths % 10_000 + 10_000).dropFirst()
        while fraction.count > 2, fraction.last == "0" { fraction.removeLast() }
        return "\(tenThousandths / 10_000).\(fraction)"
    }
}

/// What a minute costs, and from when on another one counts.
package struct CallPrice: Hashable, Sendable {
    package enum Unit: String, Sendable, CaseIterable { case second, minute }

    package var minute: Money
    /// The last of it is paid in full.
    package var unit: Unit

    package init(minute: Money, unit: Unit = .minute) {
        self.minute = minute
        self.unit = unit
    }

    /// What a talk of this length costs, rounded up to a ten-thousandth.
    package func cost(of talk: Duration) -> Money {
        let milliseconds = min(max(talk.milliseconds, 0), 1_000_000_000)
        guard milliseconds > 0, minute > .zero else { return .zero }
        let seconds = (milliseconds + 999) / 1000
        let billed = unit == .second ? seconds : (seconds + 59) / 60 * 60
        let price = min(minute, .most).tenThousandths
        // At most a million seconds of a price below 10^13: no overflow of 2^63 where the price is split first.
        return min(Money(tenThousandths: price / 60 * billed + (price % 60 * billed + 59) / 60), .most)
    }

    /// How long a talk may last that costs no more than this; `nil` where it costs nothing.
    package func talk(for money: Money) -> Duration? {
        guard minute > .zero else { return nil }
        let whole = money.tenThousandths / minute.tenThousandths
        guard unit == .second else { return .seconds(min(whole, 100_000) * 60) }
        let rest = money.tenThousandths % minute.tenThousandths * 60 / minute.tenThousandths
        return .seconds(min(whole, 100_000) * 60 + rest)
    }
}
