import AdapterKit
import Connector
import Testing

@Suite struct ServerAddressTests {
    @Test(arguments: [
        ("https://Demo.Example", "https://demo.example"), ("https://demo.example/", "https://demo.example"),
        ("https://demo.example:8443", "https://demo.example:8443"), ("http://127.0.0.1:80", "http://127.0.0.1:80"),
        ("http://localhost", "http://localhost"),
    ])
    func `a server is scheme, host and port`(text: String, address: String) {
        #expect(ServerAddress(text)?.description == address)
    }

    @Test(arguments: [
        "", "demo.example", "http://demo.example", "http://127.0.0.1.evil.example", "https://", "https://demo.example/path",
        "https://user@demo.example", "https://demo.example:", "https://demo.example:80x", "https://demo.example:123456",
        "https://demo example", "https://demo.example?x", "ftp://demo.example", "https://-demo.example", "https://дом.example",
    ])
    func `anything else is none`(text: String) {
        #expect(ServerAddress(text) == nil)
    }

    @Test(arguments: [
        ("https://demo.example/a/b?c=d", "/a/b?c=d"), ("HTTPS://DEMO.EXAMPLE/A", "/A"), ("https://demo.example/", "/"),
        ("https://demo.example", nil), ("https://demo.example:443/a", nil), ("https://demo.example.evil/a", nil),
        ("https://demo.exam", nil), ("", nil), ("https://demo.example\u{301}/a", nil),
    ])
    func `only an address on this server has a target`(address: String, target: String?) {
        #expect(ServerAddress("https://demo.example")?.target(of: address) == target)
    }

    @Test func `a setting that is no address is named, without its value`() throws {
        let settings = AdapterSettings(connection: ConnectionID("c"), values: ["base_url": "nonsense"])
        let error = #expect(throws: SettingsError.self) { try ServerAddress(setting: "base_url", of: settings) }
        #expect(error?.setting == "base_url")
        #expect(error?.description.contains("nonsense") == false)
        #expect(try ServerAddress(setting: "other", of: settings) == nil)
    }
}
