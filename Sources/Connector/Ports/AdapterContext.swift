/// What an adapter may use beside its settings: the root fills it, most adapters need nothing of it.
package struct AdapterContext: Sendable {
    /// `nil` where nothing may be started: settings are only checked.
    package var children: (any ChildProcesses)?
    /// For adapters whose telephony speaks over a lasting stream; `nil` where nothing may be opened: settings are only checked.
    package var streams: (any ByteStreams)?
    /// The embedded PBX, for adapters of trunks and of the PBX itself; `nil` where it does not run: settings are only checked.
    package var control: (any CallControl)?
    /// Reads the PBX's plan where it is only checked; the PBX itself, where it runs.
    package var plans: (any CallPlanReader)?
    /// Where a connection's own files lie: the folder of its file.
    package var folder: String?
    /// Hears what the operator should know; called on any thread, and must not block.
    package var report: @Sendable (ConnectionID, AdapterNews) -> Void

    package init(
        children: (any ChildProcesses)? = nil, streams: (any ByteStreams)? = nil, control: (any CallControl)? = nil,
        plans: (any CallPlanReader)? = nil, folder: String? = nil,
        report: @escaping @Sendable (ConnectionID, AdapterNews) -> Void = { _, _ in }
    ) {
        self.children = children
        self.streams = streams
        self.control = control
        self.plans = plans ?? control
        self.folder = folder
        self.report = report
    }
}

/// What an adapter tells the operator. No secret, no body, no whole number.
package enum AdapterNews: Sendable, Equatable {
    /// What the connection needs does not work.
    case trouble(String)
    /// It works again.
    case recovered
    /// A line of a program's own log.
    case said(String)
}
