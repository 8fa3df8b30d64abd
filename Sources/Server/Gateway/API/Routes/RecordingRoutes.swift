import Connector
import HTTPServer

/// `GET /calls/{id}/recordings/{rid}/media`: the bytes of a recording, whole or in part.
struct RecordingRoutes: Sendable {
    let services: APIServices

    /// Bytes read and sent at once.
    private static let pieceCount = 64 << 10

    var routes: [APIRoute] { [media] }

    private var media: APIRoute {
        APIRoute(
            method: .get, pattern: "/api/v1/calls/{id}/recordings/{rid}/media", scope: .read, summary: "The sound of a recording",
            parameters: [
                APIParameter(name: "id", place: .path, isRequired: true, schema: .text, description: "The call, as in `call_…`"),
                APIParameter(
                    name: "rid", place: .path, isRequired: true, schema: .text, description: "The recording, as in `rec_…`"),
                APIParameter(name: "Range", place: .header, schema: .text, description: "One range of bytes"),
                APIParameter(
                    name: "If-Range", place: .header, schema: .text, description: "The ETag for which the range is meant"),
                APIParameter(name: "If-None-Match", place: .header, schema: .text, description: "The ETag that the client has"),
            ],
            answer: APIAnswer(
                description: "The file; `ETag` is its SHA-256. HEAD tells length and type alone", mediaType: "audio/mpeg"),
            otherStatuses: [
                206: "The bytes that `Range` asks for", 301: "The call was merged; `Location` is the survivor's recording",
                304: "The client has this file", 404: "No such recording of this tenant, or none that could be kept",
                409: "`recording-not-ready`: it is expected or being fetched", 410: "`call-deleted`, `recording-expired`",
                416: "`range-not-satisfiable`",
            ]
        ) { call in
            try call.query.finish()
            let recording = try await found(call)
            let file = try Self.available(recording)
            let tag = "\"\(file.sha256)\""
            if Self.matches(call.header("If-None-Match"), tag) {
                return HTTPResponse(.notModified, headers: ["ETag": tag, "Cache-Control": "private, no-cache"])
            }
            let stored = try await open(file)
            let isMeant = call.header("If-Range").map { $0 == tag } ?? true
            return try answer(
                stored, RequestedRange(isMeant ? call.header("Range") : nil, of: stored.byteCount),
                headers: Self.headers(file, recording.id, tag))
        }
    }

    // MARK: Finding

    /// The recording that the path names.
    /// - Throws: `APIProblem`: 404 where there is none of this tenant, 410 where its call was deleted, 301 where it was merged.
    private func found(_ call: APICall) async throws -> PublishedRecording {
        let id = try call.identifier(CallID.self, "call")
        guard let rid = call.http.parameters["rid"].flatMap(RecordingID.init) else { throw APIProblem.notFound("recording") }
        let tenant = call.tenant
        let (asked, survivor) = try await services.readers.read { reader in
            let asked = try reader.call(id).flatMap { $0.tenant == tenant ? $0 : nil }
            return (asked, try asked?.mergedInto.flatMap { try reader.call($0) })
        }
        guard let asked else { throw APIProblem.notFound("call") }
        if let survivor { throw Self.merged(rid, of: id, into: survivor) }
        if asked.isDeleted { throw APIProblem.callDeleted }
        guard let recording = PublishedCall(asked.body)?.recordings.first(where: { $0.id == rid }) else {
            throw APIProblem.notFound("recording")
        }
        return recording
    }

    /// A recording's identifier is made of its call's: in the survivor it has another one.
    private static func merged(_ rid: RecordingID, of call: CallID, into survivor: StoredCall) -> APIProblem {
        let moved = PublishedCall(survivor.body)?.recordings.first {
            RecordingID(of: call, kind: "recording", name: $0.reference) == rid
        }
        guard let moved else { return .notFound("recording") }
        return APIProblem(
            HTTPStatus(301), "call-merged", "The call was merged", detail: "It proved to be one with \(survivor.id).",
            headers: ["Location": "/api/v1/calls/\(survivor.id)/recordings/\(moved.id)/media"])
    }

    /// - Throws: `APIProblem` that tells the recording's state.
    private static func available(_ recording: PublishedRecording) throws -> RecordingFile {
        switch recording.status {
        case .available:
            guard let file = recording.file else { throw APIProblem.recordingLost }
            return file
        case .expected, .fetching: throw APIProblem.recordingNotReady(recording.status)
        case .failed, .notRecorded: throw APIProblem.recordingNotKept(recording.status)
        case .expired, .deleted: throw APIProblem.recordingExpired
        }
    }

    private func open(_ file: RecordingFile) async throws -> any StoredRecording {
        let store = services.recordings
        guard let stored = try await services.readers.run({ try store?.open(file.sha256) }) else {
            if let until = file.keptUntil, until <= services.clock.now() { throw APIProblem.recordingExpired }
            throw APIProblem.recordingLost
        }
        return stored
    }

    // MARK: Answering

    private static func headers(_ file: RecordingFile, _ id: RecordingID, _ tag: String) -> HTTPHeaders {
        // What a vendor calls it is not passed on where a browser could take it for anything but sound.
        let isSound = file.mediaType.hasPrefix("audio/") || file.mediaType.hasPrefix("video/")
        let ending = endings[file.mediaType].map { ".\($0)" } ?? ""
        return [
            "Content-Type": isSound ? file.mediaType : "application/octet-stream",
            "Content-Disposition": "inline; filename=\"\(id)\(ending)\"", "X-Content-Type-Options": "nosniff", "ETag": tag,
            "Accept-Ranges": "bytes", "Cache-Control": "private, no-cache",
        ]
    }

    private static let endings = [
        "audio/mpeg": "mp3", "audio/wav": "wav", "audio/x-wav": "wav", "audio/ogg": "ogg", "audio/flac": "flac",
        "audio/mp4": "m4a",
    ]

    private func answer(
        _ stored: any StoredRecording, _ range: RequestedRange, headers: HTTPHeaders
    ) throws -> HTTPResponse {
        var headers = headers
        switch range {
        case .whole: return HTTPResponse(.ok, headers: headers, body: body(stored, 0..<stored.byteCount))
        case .part(let bytes):
            headers["Content-Range"] = "bytes \(bytes.lowerBound)-\(bytes.upperBound - 1)/\(stored.byteCount)"
            return HTTPResponse(206, headers: headers, body: body(stored, bytes))
        case .unsatisfiable:
            throw APIProblem(
                416, "range-not-satisfiable", "There are no such bytes", detail: "The file has \(stored.byteCount) bytes.",
                headers: ["Content-Range": "bytes */\(stored.byteCount)"])
        }
    }

    private func body(_ stored: any StoredRecording, _ bytes: Range<Int64>) -> HTTPResponse.Body {
        let readers = services.readers
        return .measured(Int(bytes.count)) { writer in
            var next = bytes.lowerBound
            while next < bytes.upperBound {
                let (start, count) = (next, Int(min(Int64(Self.pieceCount), bytes.upperBound - next)))
                let piece = try await readers.run { try stored.read(from: start, count: count) }
                // A file that is shorter than it was: the client sees that the body is not whole.
                guard !piece.isEmpty else { return }
                try await writer.write(piece)
                next += Int64(piece.count)
            }
        }
    }

    /// Whether `If-None-Match` names the tag (RFC 9110 §13.1.2; weak comparison).
    private static func matches(_ header: String?, _ tag: String) -> Bool {
        guard let header else { return false }
        return header.split(separator: ",").contains { part in
            let candidate = part.filter { $0 != " " }
            return candidate == "*" || candidate == tag || candidate == "W/" + tag
        }
    }
}

extension APIProblem {
    static func recordingNotReady(_ status: Recording.Status) -> APIProblem {
        APIProblem(
            .conflict, "recording-not-ready", "The recording is not here yet", detail: "Its status is `\(status.rawValue)`.",
            hint: "A change of type `recording.ready` tells when it is.", headers: ["Retry-After": "10"])
    }

    static func recordingNotKept(_ status: Recording.Status) -> APIProblem {
        APIProblem(
            .notFound, "recording-not-kept", "There is no file of this recording",
            detail: "Its status is `\(status.rawValue)`; `last_error` in the call's record may say why.")
    }

    static let recordingExpired = APIProblem(
        HTTPStatus(410), "recording-expired", "The recording was removed", detail: "Recordings are not kept for so long.",
        hint: "`retention.recordings` in kommutator.yaml says for how long they are kept.")

    static let recordingLost = APIProblem(
        .internalServerError, "recording-lost", "The file of this recording is missing",
        detail: "The record names a file that is not in the data folder.",
        hint: "Was `recordings` left out when the data folder was moved or restored?")
}
