import Testing

@testable import Network

/// Addresses and networks as text.
struct AddressTests {
    @Test(arguments: ["127.0.0.1:8080", "[::1]:0", "[2001:db8::1]:443", "0.0.0.0:65535"])
    func `an address reads back as it was written`(text: String) throws {
        #expect(try SocketAddress(text).description == text)
    }

    @Test(arguments: [
        "", ":", "127.0.0.1", "127.0.0.1:", "127.0.0.1:65536", "::1:80", "[::1]", "localhost:80", "[1.2.3.4:80", "1.2.3:80",
    ])
    func `what is no address is refused with a hint`(text: String) {
        #expect(throws: NetworkError.self) { try SocketAddress(text) }
    }

    @Test func `IPv4 inside IPv6 is IPv4`() throws {
        #expect(IPAddress("::ffff:10.1.2.3") == IPAddress("10.1.2.3"))
        #expect(IPAddress("::ffff:10.1.2.3")?.description == "10.1.2.3")
    }

    @Test(arguments: [
        ("10.0.0.0/8", "10.255.1.2", true), ("10.0.0.0/8", "11.0.0.0", false), ("10.0.0.0/8", "::ffff:10.1.1.1", true),
        ("192.0.2.7", "192.0.2.7", true), ("192.0.2.7", "192.0.2.8", false), ("0.0.0.0/0", "8.8.8.8", true),
        ("0.0.0.0/0", "2001:db8::1", false), ("2001:db8::/32", "2001:db8:ffff::1", true), ("2001:db8::/32", "2001:db9::1", false),
        ("::/0", "2001:db8::1", true), ("2001:db8::1", "2001:db8::1", true), ("10.1.2.3/24", "10.1.2.200", true),
        ("2001:db8::/65", "2001:db8::7fff:0:0:1", true), ("2001:db8::/65", "2001:db8::8000:0:0:1", false),
    ])
    func `a network holds its members`(network: String, address: String, isMember: Bool) throws {
        #expect(try #require(IPNetwork(network)).contains(try #require(IPAddress(address))) == isMember)
    }

    @Test(arguments: ["10.0.0.0/33", "::/129", "10.0.0.0/-1", "10.0.0.0/", "10.0.0/8", "/8", "10.0.0.0/+8"])
    func `what is no network is refused`(text: String) { #expect(IPNetwork(text) == nil) }
}
