/// What the file of a recording is called: its call and its number there; of a message its box, too.
///
/// `CALL-N.wav` and `mail.BOX.CALL-N.wav`: neither calls nor boxes have a dot in their names.
struct PBXRecordingName: Hashable, Sendable {
    let call: String
    let number: Int
    /// The voicemail box whose message it is.
    let box: String?

    init(call: String, number: Int, box: String? = nil) {
        self.call = call
        self.number = number
        self.box = box
    }

    /// Nothing for what no recording of ours is called.
    init?(_ text: String) {
        guard text.utf8.count <= 255, text.hasSuffix(".wav") else { return nil }
        let parts = text.dropLast(4).split(separator: ".", omittingEmptySubsequences: false)
        guard let stem = parts.last, parts.count == 1 || (parts.count == 3 && parts[0] == Self.mail),
            let dash = stem.lastIndex(of: "-"), let number = Int(stem[stem.index(after: dash)...]), number > 0,
            dash > stem.startIndex
        else { return nil }
        call = String(stem[..<dash])
        self.number = number
        box = parts.count == 3 ? String(parts[1]) : nil
    }

    var text: String { (box.map { "\(Self.mail).\($0)." } ?? "") + "\(call)-\(number).wav" }

    private static let mail: Substring = "mail"
}
