import HTTPServer
import Network
import Testing

@testable import Gateway

@Suite struct KeptTextsTests {
    @Test func `a path reads the same however many others came between`() {
        var paths = KeptPaths()
        for round in 0..<3 {
            for length in 0..<200 {
                let text = String(repeating: "/path", count: length / 5) + String(length % 7)
                let read = Array(text.utf8).withUnsafeBytes { paths.text(for: ByteView($0)) }
                #expect(read == text, "round \(round)")
            }
        }
        #expect(paths.text(for: .empty).isEmpty)
    }

    @Test func `an address is written the same however many others came between`() {
        var addresses = KeptAddresses()
        for number in 0..<2000 as Range<UInt64> {
            let address = IPAddress(high: number % 3 == 0 ? 0 : number &* 0x9E37_79B9, low: 0xFFFF_0000_0000 | number &* 77)
            #expect(addresses.text(for: address) == address.description)
            #expect(addresses.text(for: address) == address.description)
        }
    }
}
