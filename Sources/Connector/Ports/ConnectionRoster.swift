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
    /// The generation with which it came: the same for as long as its file says the same.
    package var since: Int

    package init(profile: ConnectionProfile, adapter: any TelephonyAdapter, since: Int = 0) {
        self.profile = profile
        self.adapter = adapter
        self.since = since
    }
}
