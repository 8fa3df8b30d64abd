import Connector

/// Recordings whose time is over: told in their records, then removed.
extension RecordingService {
    /// Looks once an hour, until cancelled.
    package func keepRetention() async {
        var expiry = RecordingExpiry()
        var trouble = TroublePace()
        while !Task.isCancelled {
            do {
                try await expire(&expiry)
            } catch {
                if let failures = trouble.failed(at: timekeeper.now()) {
                    report(.expiryFailing(reason: "\(error)", failures: failures))
                }
            }
            do { try await Task.sleep(for: .seconds(3600)) } catch { return }
        }
    }

    /// Ends what is due now.
    ///
    /// The feed is read up to the first recording whose time is not over: what comes behind it was fetched later. A start reads it
    /// from the beginning.
    func expire(_ expiry: inout RecordingExpiry) async throws {
        let now = timekeeper.now()
        for tenant in sources.tenants().sorted() {
            var isOver = false
            while !isOver, !Task.isCancelled {
                let page = try await feed.page(of: tenant, after: expiry.position(of: tenant))
                isOver = page.end != nil
                for change in page.changes {
                    guard let due = expiry.observe(change, of: tenant, at: now) else {
                        isOver = true
                        break
                    }
                    for (call, reference) in due { try await expire(reference, of: call, at: now) }
                }
            }
        }
    }

    private func expire(_ reference: String, of call: CallID, at now: Instant) async throws {
        guard let latest = try await feed.latest(of: call), let key = latest.key,
            let recording = latest.recordings.first(where: { $0.reference == reference && $0.status == .available }),
            let file = recording.file, let until = file.keptUntil, until <= now
        else { return }
        let told = RecordingReport(key: reference, phase: .expired, attempts: recording.attempts, file: file)
        let name = RecordingKeeper.Name(connection: latest.connection, reference: reference)
        guard await tell(told, name, key) else { throw RecordingStoreError(.inputOutput, "the journal takes nothing now") }
        _ = try await disk.run { [store] in try store.remove(file.sha256, expiredAt: now) }
    }
}

/// How far the feed was looked through for recordings whose time is over.
struct RecordingExpiry: Sendable {
    private var positions: [TenantID: Int64] = [:]

    func position(of tenant: TenantID) -> Int64 { positions[tenant] ?? 0 }

    /// The recordings of a change whose time is over; `nil` where there is one whose time is not: then go no further.
    mutating func observe(
        _ change: StoredChange, of tenant: TenantID, at now: Instant
    ) -> [(call: CallID, reference: String)]? {
        var due: [(call: CallID, reference: String)] = []
        if PublishedCall.mayHaveRecordings(change.body), let call = PublishedCall(change.body), !call.isGone {
            for recording in call.recordings where recording.status == .available {
                guard let until = recording.file?.keptUntil else { continue }
                guard until <= now else { return nil }
                due.append((call.id, recording.reference))
            }
        }
        positions[tenant] = change.position
        return due
    }
}
