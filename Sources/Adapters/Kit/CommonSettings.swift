import Connector

/// Settings that every connection may have, whatever its adapter. The gateway enforces them; adapters do not see them.
package enum CommonSettings {
    /// An unguessable path segment behind the connection's name: `/hooks/{connection}/{url_token}`.
    package static let urlToken = SettingSpecification(
        "url_token", .secret, help: "extra path segment that only the provider knows; needed where the provider signs nothing")

    /// Networks the provider may call from, comma-separated CIDR: `81.88.80.132, 185.45.152.40/30`.
    package static let allowFrom = SettingSpecification(
        "allow_from", .text, help: "source addresses and networks to accept, comma-separated; empty accepts all")

    /// ISO 3166-1 alpha-2: how numbers without a country code are read.
    package static let defaultCountry = SettingSpecification(
        "default_country", .text, help: "two-letter country of numbers written without a country code; the server's where absent")

    package static let all = [urlToken, allowFrom, defaultCountry]

    /// For providers that sign nothing: the token is all that keeps strangers out, so it must be there.
    package static let unsigned: [SettingSpecification] = {
        var token = urlToken
        token.isRequired = true
        token.help = "extra path segment that only the provider knows: it signs nothing else; `openssl rand -hex 16` makes one"
        return [token, allowFrom, defaultCountry]
    }()
}
