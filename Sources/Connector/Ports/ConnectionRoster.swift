/// Which connections are alive now; a reload of `adapters.d` replaces them as a whole.
package protocol ConnectionRoster: Sendable {
    /// Grows with every reload; cheap to ask.
    var generation: Int { get }
    /// The connections of the present generation.
    func connections() -> [LiveConnection]
}

/// One file of `adapters.d` brought to life.
package struct LiveConnection: Sendable {
    package var profile: ConnectionProfile
    package var adapter: any TelephonyAdapter

    package init(profile: ConnectionProfile, adapter: any TelephonyAdapter) {
        self.profile = profile
        self.adapter = adapter
    }
}
