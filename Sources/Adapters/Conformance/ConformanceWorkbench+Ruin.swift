import AdapterKit
import Connector

/// Changed, cut and lengthened requests.
extension ConformanceWorkbench {
    // MARK: Changes that must be refused

    /// A byte of a signed field or signature changed, one at a time, makes a request that is refused.
    func failuresOfChanging() -> [String] {
        guard let coverage = adapter as? any SignatureCoverage.Type else { return [] }
        return accepted.flatMap { number, request in
            let places = sample(signedPlaces(coverage, request), number)
            let changed = places.filter { !isRefused(request.replacingByte(at: $0, with: Self.another(request.body[$0]))) }
            let headers = coverage.signatureHeaders.filter { !refusesChanges(of: $0, in: request) }
            return changed.map { "request \(number + 1) is accepted with byte \($0) changed" }
                + headers.map { "request \(number + 1) is accepted with another \($0), or without it" }
        }
    }

    /// Where the values of signed fields lie in a form; none for other bodies.
    private func signedPlaces(_ coverage: any SignatureCoverage.Type, _ request: RecordedRequest) -> [Int] {
        let type = request.headers.first { $0.name == "content-type" }?.value ?? ""
        guard !type.hasPrefix("multipart/") else { return [] }
        let names = request.body.withUnsafeBytes { bytes in
            do {
                return coverage.signedFields(of: try FormBody(bytes))
            } catch {
                return []
            }
        }
        return request.formValues.filter { names.contains($0.name) }.flatMap { Array($0.value) }
    }

    private func refusesChanges(of header: String, in request: RecordedRequest) -> Bool {
        var without = request
        without.headers.removeAll { $0.name == header }
        guard isRefused(without), let value = request.headers.first(where: { $0.name == header })?.value else { return false }
        let bytes = Array(value.utf8)
        return bytes.indices.allSatisfy { place in
            var other = bytes
            other[place] = Self.another(bytes[place])
            var changed = without
            changed.headers.append(HeaderField(name: header, value: String(decoding: other, as: UTF8.self)))
            return isRefused(changed)
        }
    }

    /// A byte of the same sort with another meaning, in a form, in hexadecimal and in base64.
    private static func another(_ byte: UInt8) -> UInt8 {
        switch byte {
        case UInt8(ascii: "0")..<UInt8(ascii: "9"), UInt8(ascii: "a")..<UInt8(ascii: "z"), UInt8(ascii: "A")..<UInt8(ascii: "Z"):
            byte + 1
        case UInt8(ascii: "9"): UInt8(ascii: "0")
        case UInt8(ascii: "z"): UInt8(ascii: "a")
        case UInt8(ascii: "Z"): UInt8(ascii: "A")
        case UInt8(ascii: "_"): UInt8(ascii: "-")
        default: UInt8(ascii: "_")
        }
    }

    /// At most `placesPerRequest` of the places, evenly spread, others for each request.
    private func sample(_ places: [Int], _ number: Int) -> [Int] {
        let step = places.count / placesPerRequest + 1
        return stride(from: number % step, to: places.count, by: step).map { places[$0] }
    }

    // MARK: Changes that must be survived

    /// Bodies cut anywhere and bytes changed anywhere, words and numbers among them: always an answer, always an outcome.
    func failuresOfRuining() -> [String] {
        let replacements: [UInt8] = [0, 0x25, 0x26, 0x30, 0x41, 0x5C, 0x7B, 0xD0, 0xFF]
        let failuresOfLog = (log ?? []).indices.compactMap { place in
            isRuinedLogSilent(at: place, replacements[place % replacements.count])
                ? "the log, ruined at byte \(place), gives nothing" : nil
        }
        return failuresOfLog
            + requests.enumerated().flatMap { number, request in
                sample(Array(request.body.indices), number).flatMap { place -> [String] in
                    var cut = request
                    cut.body = Array(request.body[..<place])
                    let changed = request.replacingByte(at: place, with: replacements[(place + number) % replacements.count])
                    return [cut, changed].compactMap { ruined in
                        _ = authenticate(ruined)
                        return decode(ruined).isEmpty ? "request \(number + 1), ruined at byte \(place), gives nothing" : nil
                    }
                }
            }
    }

    private func isRuinedLogSilent(at place: Int, _ byte: UInt8) -> Bool {
        guard var changed = log else { return false }
        changed[place] = byte
        return decode(log: changed).isEmpty || decode(log: Array(changed[..<place])).isEmpty
    }

    /// A field more, in the form and in the JSON within it, or an element more, changes nothing but `custom`.
    func failuresOfExtraFields() -> [String] {
        accepted.flatMap { number, request in
            request.withExtraFields.compactMap { longer in
                let before = decode(request, number: number)
                let after = decode(longer, number: number)
                return before.map(\.withoutCustom) == after.map(\.withoutCustom)
                    ? nil : "request \(number + 1) reads differently with one field more"
            }
        }
    }

    /// Rule 9: where a request tells of a call, a field that nobody knows is in `custom` of an event.
    ///
    /// It is enough that one of the places is kept where a field may stand: what an envelope says is not of the call.
    func failuresOfKeeping() -> [String] {
        accepted.compactMap { number, request in
            let told = request.withExtraFields.map { events(decode($0, number: number)) }.filter { !$0.isEmpty }
            let isKept = told.contains { events in
                events.contains { $0.custom.contains { $0.name.contains("a_field_of_tomorrow") } }
            }
            return told.isEmpty || isKept ? nil : "request \(number + 1) with a field more: it is not in `custom`"
        }
    }
}

extension RecordedRequest {
    fileprivate func replacingByte(at place: Int, with byte: UInt8) -> RecordedRequest {
        var changed = self
        changed.body[place] = byte
        return changed
    }

    /// The fields of a form, the places of their values.
    fileprivate var formValues: [(name: String, value: Range<Int>)] {
        body.split(separator: UInt8(ascii: "&")).map { field in
            let equals = field.firstIndex(of: UInt8(ascii: "=")) ?? field.endIndex
            return (String(decoding: field[..<equals], as: UTF8.self), min(equals + 1, field.endIndex)..<field.endIndex)
        }
    }

    /// The request with a field more; in a form also with a member more in the first JSON object of each field that is one.
    fileprivate var withExtraFields: [RecordedRequest] {
        switch BodyFormat(self) {
        case .xml: return withExtraElements
        case .json: return [inserting("\"a_field_of_tomorrow\":[1],", at: 1)]
        case .form where body.contains(UInt8(ascii: "=")): break
        default: return []
        }
        let objects = formValues.map(\.value).filter { body[$0].starts(with: "%7B%22".utf8) }
        return [inserting("&a_field_of_tomorrow=1", at: body.endIndex)]
            + objects.map { inserting("%22a_field_of_tomorrow%22%3A%5B1%5D%2C", at: $0.lowerBound + 3) }
    }

    fileprivate func inserting(_ text: String, at place: Int) -> RecordedRequest {
        var longer = self
        longer.body.insert(contentsOf: text.utf8, at: place)
        return longer
    }
}

extension RecordedRequest {
    /// The XML with an element more at the end of each element that holds others.
    private var withExtraElements: [RecordedRequest] {
        let ends = body.indices.dropFirst(3).filter { place in
            body[place - 1] == UInt8(ascii: ">") && body[place - 2] != UInt8(ascii: "]") && body[place...].starts(with: "</".utf8)
        }
        return ends.map { inserting("<a_field_of_tomorrow kind=\"1\"><x>1</x></a_field_of_tomorrow>", at: $0) }
    }
}

extension Decoded {
    fileprivate var withoutCustom: Decoded {
        switch self {
        case .call(var event):
            event.custom = []
            return .call(event)
        case .signal(let name, _): return .signal(name: name, fields: [])
        // The reason may name a place.
        case .undecoded: return .undecoded(reason: "")
        default: return self
        }
    }
}
