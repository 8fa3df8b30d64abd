import NetworkTypes

/// A name for an open stream; one of a stream that has been closed fits nothing.
package struct MediaStreamID: Hashable, Sendable, CustomStringConvertible {
    /// Its place in the plane's table.
    let slot: UInt32
    /// Which of the streams that were ever at that place.
    let generation: UInt32

    package var description: String { "media-\(slot).\(generation)" }
}

/// What `MediaPlane.open` gives: a stream, and where the other side is to send to.
package struct MediaPort: Hashable, Sendable {
    package var id: MediaStreamID
    /// Of our socket: an even port; RTCP has the next one.
    package var local: SocketAddress
}

/// A name that the caller gives a recording.
package struct RecordingID: Hashable, Sendable, CustomStringConvertible {
    package var name: String

    package init(_ name: String) { self.name = name }

    package var description: String { name }
}
