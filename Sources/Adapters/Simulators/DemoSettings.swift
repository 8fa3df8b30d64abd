/// The settings of the demonstration's connections: known to everybody, they protect nothing.
///
/// `serve --demo` opens a connection `demo-VENDOR` with them for each, and `simulate` signs with them unless told otherwise.
package enum DemoSettings {
    /// The settings of an adapter, by name; nil where there is no simulator of it.
    package static func values(for adapter: String) -> [String: String]? {
        switch adapter {
        case AsteriskDouble.adapter: ["username": "gateway", "secret": "demo-secret"]
        case BeelineSimulator.adapter: ["token": "demo-token", "url_token": "demo-beeline-token"]
        case MangoSimulator.adapter: ["api_key": "demo-api-key", "api_salt": "demo-api-salt"]
        case MegafonSimulator.adapter: ["crm_token": "demo-crm-token", "api_key": "demo-api-key"]
        case MultifonDouble.adapter: ["number": "79000000030", "password": "made-up-pass-1"]
        case TelphinSimulator.adapter:
            ["client_id": "demo-app", "client_secret": "demo-client-secret", "url_token": "demo-telphin-url-token"]
        case ZadarmaSimulator.adapter: ["key": "demo-key", "secret": "demo-secret", "time_zone": "Europe/Moscow"]
        default: nil
        }
    }

    /// What follows the connection's name in the demonstration's address: `/demo-beeline-token`; empty for a vendor that signs.
    package static func path(for adapter: String) -> String {
        values(for: adapter)?["url_token"].map { "/" + $0 } ?? ""
    }
}
