import Connector
import Foundation
import PBXPlan
import Processes
import Synchronization
import TestSupport

@testable import FallbackPBX

/// A folder with recordings, and another one with encoders of ours: shell scripts that do what a test wants.
final class EncoderStand: Sendable {
    /// What an encoder writes for Opus: the first page of an Ogg file.
    static let opus = #"printf 'OggS%024dOpusHead' 0 >"$out""#
    static let noon = Instant(milliseconds: 1_700_000_000_000)

    let folder: String
    let programs: String
    let children = SystemChildren(environment: Programs.environment)
    private let place: String
    private let words = Mutex<[String?]>([])
    private let records: AsyncStream<PBXRecord>
    private let hear: AsyncStream<PBXRecord>.Continuation

    init() throws {
        place = NSTemporaryDirectory() + "/encoder-\(UUID().uuidString)"
        (folder, programs) = (place + "/pbx", place + "/bin")
        for path in [folder, programs] {
            try FileManager.default.createDirectory(atPath: path, withIntermediateDirectories: true)
        }
        (records, hear) = AsyncStream.makeStream()
    }

    deinit { try? FileManager.default.removeItem(atPath: place) }

    /// What was reported, in order: why recordings stay WAV, nil for not any more.
    var reported: [String?] { words.withLock(\.self) }

    /// Installs an encoder; `$out` is the file that it is to write, `$in` the one that it is to read.
    func install(_ name: String, _ script: String) throws {
        let lines = ["#!/bin/sh", "while [ $# -gt 2 ]; do shift; done", "in=$1 out=$2", script, ""]
        let path = "\(programs)/\(name)"
        try lines.joined(separator: "\n").write(toFile: path, atomically: false, encoding: .utf8)
        try FileManager.default.setAttributes([.posixPermissions: 0o755], ofItemAtPath: path)
    }

    func encoder(_ format: RecordingFormat = .opus) -> RecordingEncoder {
        let encoder = RecordingEncoder(
            folder: folder, searchPath: programs, children: children, tell: { [hear] in _ = hear.yield($0) },
            report: { [weak self] word in self?.words.withLock { $0.append(word) } })
        encoder.follow(format)
        return encoder
    }

    /// Puts a recording there, and gives the record that tells of it.
    func recorded(_ name: String) throws -> PBXRecord {
        try write("RIFF", to: name)
        return Self.record(name)
    }

    func write(_ text: String, to name: String) throws {
        try text.write(toFile: "\(folder)/\(name)", atomically: false, encoding: .utf8)
    }

    static func record(_ name: String) -> PBXRecord {
        PBXRecord(call: "c1", sequence: 7, at: noon, .recording(PBXRecord.RecordingMoment(.completed, name: name, channels: 2)))
    }

    /// The next record that is told.
    func told() async -> PBXRecord? {
        for await record in records { return record }
        return nil
    }

    /// What lies in the folder of recordings.
    var files: [String] { PBXFolder.files(in: folder).sorted() }

    func text(_ name: String) -> String? {
        FileManager.default.contents(atPath: "\(folder)/\(name)").map { String(decoding: $0, as: UTF8.self) }
    }
}
