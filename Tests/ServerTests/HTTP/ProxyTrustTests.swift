import Network
import Testing

@testable import HTTPServer

/// Who is believed about whom.
struct ProxyTrustTests {
    private static let trust = ProxyTrust(["127.0.0.1", "10.0.0.0/8", "2001:db8:1::/48"].compactMap { IPNetwork($0) })

    private func client(of peer: String, _ forwarded: String...) throws -> String {
        let fields = forwarded.map { (name: "x-forwarded-for", value: $0) } + [("X-Real-IP", "203.0.113.99")]
        let peer = try #require(IPAddress(peer))
        let request = HTTPRequest(headers: HTTPHeaders(fields), peer: SocketAddress(peer, port: 1))
        return Self.trust.client(of: request).description
    }

    @Test func `nobody else is believed`() throws {
        #expect(try client(of: "203.0.113.5", "198.51.100.1") == "203.0.113.5")
        #expect(try client(of: "11.0.0.1", "10.0.0.1") == "11.0.0.1")
    }

    @Test(arguments: [
        // The client stands to the left of our proxies; what stands left of it, it may have made up.
        (["198.51.100.1"], "198.51.100.1"), (["198.51.100.1, 10.1.1.1"], "198.51.100.1"),
        (["192.0.2.1, 198.51.100.1,10.1.1.1 , 10.1.1.2"], "198.51.100.1"), (["192.0.2.1,\t198.51.100.1"], "198.51.100.1"),
        // Several headers are one list.
        (["192.0.2.1", "198.51.100.1"], "198.51.100.1"), (["198.51.100.1", "10.1.1.1, 10.2.2.2"], "198.51.100.1"),
        // All are ours: the farthest.
        (["10.9.9.9, 10.1.1.1"], "10.9.9.9"),
        // Ports and brackets, as some proxies write.
        (["198.51.100.1:4711"], "198.51.100.1"), (["2001:db8:2::7"], "2001:db8:2::7"), (["[2001:db8:2::7]"], "2001:db8:2::7"),
        (["[2001:db8:2::7]:4711, 2001:db8:1::1"], "2001:db8:2::7"), (["::ffff:198.51.100.1"], "198.51.100.1"),
        // What is no address hides what lies behind it: the nearest address that is known counts.
        (["198.51.100.1, unknown"], "127.0.0.1"), (["198.51.100.1, , 10.1.1.1"], "10.1.1.1"), ([""], "127.0.0.1"),
        (["198.51.100.1, [10.1.1.1"], "127.0.0.1"), (["_hidden, 10.1.1.1"], "10.1.1.1"), ([","], "127.0.0.1"), ([], "127.0.0.1"),
    ]) func `the right-most address that is not ours is the client`(forwarded: [String], expected: String) throws {
        let fields = forwarded.map { (name: "X-Forwarded-For", value: $0) }
        let request = HTTPRequest(headers: HTTPHeaders(fields), peer: SocketAddress(.loopbackV4, port: 1))
        #expect(Self.trust.client(of: request).description == expected)
    }

    @Test func `an endless list of our own addresses is not followed to its end`() throws {
        let way = Array(repeating: "10.0.0.1", count: 1500).joined(separator: ",")
        #expect(try client(of: "127.0.0.1", "198.51.100.1," + way) == "10.0.0.1")
    }

    @Test func `without proxies the peer is the client, whatever it says`() throws {
        let request = HTTPRequest(headers: ["X-Forwarded-For": "198.51.100.1"], peer: SocketAddress(.loopbackV4, port: 1))
        #expect(ProxyTrust().client(of: request) == .loopbackV4)
    }
}
