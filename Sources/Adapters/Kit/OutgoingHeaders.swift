/// What may not be put among the headers of a request to a vendor.
package enum OutgoingHeaders {
    /// Those that the gateway's client writes itself, in lower case.
    package static let ofTheClient: Set = ["host", "content-length", "transfer-encoding", "connection", "upgrade", "expect"]
}
