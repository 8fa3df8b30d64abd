/// The settings of the demonstration's connections: known to everybody, they protect nothing.
///
/// `serve --demo` opens the connections `demo-mango`, `demo-zadarma` with them, and `simulate` signs with them unless told otherwise.
package enum DemoSettings {
    /// The settings of an adapter, by name; nil where there is no simulator of it.
    package static func values(for adapter: String) -> [String: String]? {
        switch adapter {
        case MangoSimulator.adapter: ["api_key": "demo-api-key", "api_salt": "demo-api-salt"]
        case MegafonSimulator.adapter: ["crm_token": "demo-crm-token"]
        case TelphinSimulator.adapter: ["url_token": "demo-telphin-url-token"]
        case ZadarmaSimulator.adapter: ["key": "demo-key", "secret": "demo-secret", "time_zone": "Europe/Moscow"]
        default: nil
        }
    }
}
