import Connector
import Glibc
import Media
import PBXPlan

/// What a process before this one was recording when it died: its files are mended, and told of as whole.
///
/// Every recording that still lies there is told: whether the one before came to tell of it is not known here, and twice is no harm.
/// What was half made of one is thrown away; what was made whole counts, whether or not its WAV was removed.
/// Of messages, which stay, only those that were cut off. Blocks: before the PBX begins.
enum CutRecordings {
    /// Beyond every moment that a call tells of itself: the record is another one than those.
    private static let sequence = 1_000_000_000

    static func records(in folder: String, at now: Instant) -> [PBXRecord] {
        let mended = WAVRepair.mend(folder: folder).mended
        let lengths = Dictionary(mended.map { ($0.path, $0.milliseconds) }) { first, _ in first }
        return names(in: folder).compactMap { name in
            let length = lengths["\(folder)/\(name.text)"]
            guard name.box == nil || length != nil else { return nil }
            return record(name, milliseconds: length, at: now)
        }
    }

    /// Of each recording that lies there in any format, once.
    private static func names(in folder: String) -> [PBXRecordingName] {
        var found: Set<String> = []
        for file in PBXFolder.files(in: folder) {
            if isDraft(file) { unlink("\(folder)/\(file)") }
            if let made = RecordingFormat.encoded.first(where: { file.hasSuffix(".\($0.rawValue)") }) {
                let wav = String(file.dropLast(made.rawValue.count)) + "wav"
                unlink("\(folder)/\(wav)")
                found.insert(wav)
            } else {
                found.insert(file)
            }
        }
        return found.sorted().compactMap { PBXRecordingName($0) }
    }

    private static func isDraft(_ file: String) -> Bool {
        RecordingFormat.encoded.contains { file.hasSuffix(".\($0.rawValue)\(RecordingFiles.draftEnding)") }
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
