// What a call's record says of its recordings, read back from the JSON that was published.

/// One recording of a published record.
package struct PublishedRecording: Sendable {
    package var id: RecordingID
    package var status: Recording.Status
    /// The provider's name of it.
    package var reference: String
    /// When the provider said that it can be fetched.
    package var readyAt: Instant?
    package var attempts: Int
    package var file: RecordingFile?
    package var startedAt: Instant?

    /// There is something to fetch, and it has not been.
    package var isWanted: Bool { readyAt != nil && (status == .expected || status == .fetching) }
}

/// As much of a published call as its recordings need.
package struct PublishedCall: Sendable {
    package var id: CallID
    package var connection: ConnectionID
    /// Merged into another, or deleted.
    package var isGone: Bool
    /// A name by which news of the call finds it.
    package var key: ExternalKey?
    package var recordings: [PublishedRecording]

    /// Reads a record's JSON; `nil` for anything else.
    package init?(_ body: [UInt8]) {
        guard let root = try? JSONText(body).root, let id = root["id"].string.flatMap(CallID.init),
            let connection = root["connection_id"].string
        else { return nil }
        self.id = id
        self.connection = ConnectionID(connection)
        isGone = root["merged_into"].string != nil || root["deleted_at"].string != nil
        key = root["external_ids"].elements.lazy.compactMap(ExternalKey.init).first { $0.kind.namesOneCall }
        recordings = root["recordings"].elements.compactMap(PublishedRecording.init)
    }

    /// Whether a record's JSON may tell of a recording that can be fetched, or was: costs less than reading it.
    package static func mayHaveRecordings(_ body: [UInt8]) -> Bool {
        body.withUnsafeBytes { bytes in
            let mark: StaticString = "\"ready_at\":\""
            return UnsafeRawBufferPointer(start: mark.utf8Start, count: mark.utf8CodeUnitCount).isWithin(bytes)
        }
    }
}

extension UnsafeRawBufferPointer {
    /// Whether these bytes stand somewhere in `text`.
    fileprivate func isWithin(_ text: UnsafeRawBufferPointer) -> Bool {
        guard let first, count <= text.count else { return false }
        for start in 0...(text.count - count) where text[start] == first {
            if UnsafeRawBufferPointer(rebasing: text[start..<start + count]).isSame(as: self) { return true }
        }
        return false
    }
}

extension ExternalKey {
    fileprivate init?(_ json: JSONNode) {
        guard let kind = json["kind"].string.flatMap(Kind.init), let value = json["value"].string else { return nil }
        self.init(kind, value)
    }
}

extension PublishedRecording {
    fileprivate init?(_ json: JSONNode) {
        guard let id = json["id"].string.flatMap(RecordingID.init), let reference = json["provider_ref"].string,
            let status = json["status"].string.flatMap(Recording.Status.init)
        else { return nil }
        self.id = id
        self.status = status
        self.reference = reference
        readyAt = json["ready_at"].string.flatMap { Instant(rfc3339: $0) }
        startedAt = json["started_at"].string.flatMap { Instant(rfc3339: $0) }
        attempts = json["attempts"].int ?? 0
        guard let sha256 = json["sha256"].string, let byteCount = json["size_bytes"].int else { return }
        file = RecordingFile(
            sha256: sha256, byteCount: Int64(byteCount), mediaType: json["media_type"].string ?? "application/octet-stream",
            keptUntil: json["retention_until"].string.flatMap { Instant(rfc3339: $0) })
    }
}
