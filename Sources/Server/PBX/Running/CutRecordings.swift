import Connector
import Media

/// What a process before this one was recording when it died: its files are mended, and told of as whole.
///
/// Every recording that still lies there is told: whether the one before came to tell of it is not known here, and twice is no harm.
/// Of messages, which stay, only those that were cut off. Blocks: before the PBX begins.
enum CutRecordings {
    /// Beyond every moment that a call tells of itself: the record is another one than those.
    private static let sequence = 1_000_000_000

    static func records(in folder: String, at now: Instant) -> [PBXRecord] {
        let mended = WAVRepair.mend(folder: folder).mended
        let lengths = Dictionary(mended.map { ($0.path, $0.milliseconds) }) { first, _ in first }
        return PBXFolder.files(in: folder).sorted().compactMap { file in
            guard let name = PBXRecordingName(file) else { return nil }
            let length = lengths["\(folder)/\(file)"]
            guard name.box == nil || length != nil else { return nil }
            return record(name, milliseconds: length, at: now)
        }
    }

    private static func record(_ name: PBXRecordingName, milliseconds: Int?, at now: Instant) -> PBXRecord {
        PBXRecord(
            call: name.call, sequence: sequence + min(name.number, sequence), at: now,
            .recording(
                PBXRecord.RecordingMoment(
                    .completed, name: name.text, kind: name.box == nil ? .call : .voicemail, channels: name.box == nil ? 2 : 1,
                    milliseconds: milliseconds.map { Int64($0) })))
    }
}
