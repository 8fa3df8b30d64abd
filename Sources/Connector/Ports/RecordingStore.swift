/// Where fetched recordings are kept: by their content, so that the same bytes are there once.
///
/// All calls may wait for the disk: they are made on threads that may.
package protocol RecordingStore: Sendable {
    /// Begins a file that nobody sees before it is whole.
    /// - Throws: `RecordingStoreError`; `.full` where the disk has no room to spare.
    func begin() throws -> any RecordingDraft

    /// A file of the store; `nil` where there is none of that name.
    /// - Parameter sha256: lowercase hexadecimal; anything else names nothing.
    func open(_ sha256: String) throws -> (any StoredRecording)?

    /// Removes a file that nobody keeps any longer: of several recordings with its content the one kept longest counts.
    /// - Returns: whether it is gone.
    func remove(_ sha256: String, expiredAt now: Instant) throws -> Bool
}

/// A file on its way into the store. Left alone, it is gone without a trace.
package protocol RecordingDraft: OutgoingReceiver {
    /// Why `receive` threw.
    var failure: RecordingStoreError? { get }
    /// The first bytes, as many as tell a format.
    var beginning: [UInt8] { get }

    /// Puts the file into the store; when this returns, it is there after a crash too. Once, after the last `receive`.
    /// - Parameter keptUntil: before when it is not removed; `nil` keeps it for good.
    /// - Returns: the content's SHA-256 in lowercase hexadecimal, and how many bytes it has.
    /// - Throws: `RecordingStoreError`.
    func finish(keptUntil: Instant?) throws -> (sha256: String, byteCount: Int64)
}

/// A file of the store, open for reading: it stays readable when it is removed meanwhile.
package protocol StoredRecording: Sendable {
    var byteCount: Int64 { get }
    /// At most `count` bytes from `offset`; fewer at the end.
    func read(from offset: Int64, count: Int) throws -> [UInt8]
}

/// What the store could not do. Names no file.
package struct RecordingStoreError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The disk has no room, or none to spare beside the journal's.
        case full
        case inputOutput
    }

    package var code: Code
    package var reason: String

    package init(_ code: Code, _ reason: String) {
        self.code = code
        self.reason = reason
    }

    package var description: String { "\(code.rawValue): \(reason)" }
}
