/// What one fold of a call worked out and the next one would work out again: readings of texts, which stay true whatever else
/// becomes known. Belongs to one call; used by the thread that folds.
final class FoldMemory {
    private var country = ""
    private var numbers: [(raw: String, number: PhoneNumber)] = []
    private var participants: [(kind: Participant.Kind, name: String, id: ParticipantID)] = []
    private var legs: [(key: String, id: LegID)] = []

    /// What `raw` was read as in `country`, or is now read as by `read`.
    func number(_ raw: String, country: String, read: (String) -> PhoneNumber) -> PhoneNumber {
        if country != self.country {
            self.country = country
            numbers = []
        }
        for known in numbers where known.raw == raw { return known.number }
        let number = read(raw)
        numbers.append((raw, number))
        return number
    }

    func participantID(_ kind: Participant.Kind, _ name: String, of call: CallID) -> ParticipantID {
        for known in participants where known.kind == kind && known.name == name { return known.id }
        let id = ParticipantID(of: call, kind: kind.rawValue, name: name)
        participants.append((kind, name, id))
        return id
    }

    func legID(_ key: String, of call: CallID) -> LegID {
        for known in legs where known.key == key { return known.id }
        let id = LegID(of: call, kind: "leg", name: key)
        legs.append((key, id))
        return id
    }
}
