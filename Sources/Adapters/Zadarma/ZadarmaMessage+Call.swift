import AdapterKit
import Connector

/// The notifications of a call's course.
///
/// A call's legs are named by who is called on them: the extension that rings, or the number that is dialled.
extension ZadarmaMessage {
    /// NOTIFY_START: a call reached the PBX. Nobody rings yet.
    func start() -> Decoded {
        guard var event = callEvent(.created) else { return Self.missingCall() }
        event.occurredAt = startedAt ?? event.receivedAt
        event.custom = leftovers()
        event.custom.keep("requested_internal", internalNumber)
        return .call(event)
    }

    /// NOTIFY_INTERNAL: an extension rings.
    func ringing() -> Decoded {
        guard var event = callEvent(.ringing) else { return Self.missingCall() }
        event.leg = employeeLeg(.ringing)
        event.custom = leftovers()
        return .call(event)
    }

    /// NOTIFY_ANSWER: the extension took an incoming call, or the called number an outgoing one.
    func answer() -> Decoded {
        guard var event = callEvent(.answered) else { return Self.missingCall() }
        event.leg = direction == .inbound ? employeeLeg(.answered) : dialledLeg(.answered)
        event.custom = leftovers()
        return .call(event)
    }

    /// NOTIFY_OUT_START: an employee dials.
    func outStart() -> Decoded {
        guard var event = callEvent(.ringing) else { return Self.missingCall() }
        event.occurredAt = startedAt ?? event.receivedAt
        event.leg = dialledLeg(.ringing)
        event.custom = leftovers()
        return .call(event)
    }

    /// NOTIFY_END and NOTIFY_OUT_END: the call is over. One for the whole call, whoever talked.
    func end() -> Decoded {
        guard var event = callEvent(.ended) else { return Self.missingCall() }
        let word = self["disposition"]
        let disposition = ZadarmaDisposition(word)
        event.ending = EndReport(
            reason: disposition.reason,
            cause: Cause(q850: fields.integer("status_code"), providerCode: word),
            answered: disposition.answered, endedAt: raw.receivedAt, user: employee)
        if fields.integer("is_recorded") == 1, let recording {
            event.recording = RecordingReport(key: recording, phase: .completed)
        }
        event.custom = leftovers(except: Self.knownOfEnding)
        return .call(event)
    }

    private static let knownOfEnding = NameSet(knownEverywhere + ["disposition", "status_code"])

    /// NOTIFY_RECORD: a recording can be fetched. A call that was passed on may have several.
    func record() -> Decoded {
        guard let recording else { return .undecoded(reason: "`call_id_with_rec` is missing") }
        guard var event = callEvent(.recordingReady, alsoRepeats: recording) else { return Self.missingCall() }
        event.recording = RecordingReport(key: recording, phase: .ready)
        event.custom = leftovers()
        return .call(event)
    }

    // MARK: Legs

    /// The leg to an extension. Zadarma marks no transfer: a new extension under the same call is all there is to see.
    private func employeeLeg(_ phase: LegReport.Phase) -> LegReport? {
        let caller: Party? = direction == .inbound ? .external(number: callerID) : nil
        guard let short = self.extension else {
            return destination.map {
                LegReport(key: legKey($0), phase: phase, from: caller, to: Self.party($0), handover: .unmarked)
            }
        }
        let device = destination.flatMap { Self.isShort($0) ? nil : $0 }
        return LegReport(
            key: legKey(short), phase: phase, from: caller, to: .user(extension: short, endpoint: device), handover: .unmarked)
    }

    /// Zadarma names no legs: the call's name and whom the leg rings tell it from every other.
    private func legKey(_ called: String) -> String { "\(call ?? "")/\(called)" }

    /// The leg from an employee to the number he dials.
    private func dialledLeg(_ phase: LegReport.Phase) -> LegReport? {
        destination.map { LegReport(key: legKey($0), phase: phase, from: employee, to: Self.party($0)) }
    }
}

/// How a call came out, in Zadarma's words.
struct ZadarmaDisposition {
    let reason: EndReason
    /// nil where the word is not known.
    let answered: Bool?

    init(_ word: String?) {
        let word = Self.normal(word ?? "")
        let known = Self.reasons[word]
        reason = known ?? .unknown
        answered = known == nil ? nil : word == "answered"
    }

    /// In lower case, with spaces for underscores.
    private static func normal(_ word: String) -> String {
        let bytes = word.utf8.map { byte -> UInt8 in
            switch byte {
            case UInt8(ascii: "A")...UInt8(ascii: "Z"): byte | 0x20
            case UInt8(ascii: "_"): UInt8(ascii: " ")
            default: byte
            }
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    private static let reasons: [String: EndReason] = [
        "answered": .normal,
        "busy": .busy,
        // The one who called gave up.
        "cancel": .callerHungUp,
        "no answer": .noAnswer,
        "failed": .failed, "call failed": .failed,
        "no money": .failed, "no money, no limit": .failed, "no limit": .failed, "no day limit": .failed, "line limit": .failed,
        "unallocated number": .invalidNumber,
    ]
}
