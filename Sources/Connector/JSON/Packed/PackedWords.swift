/// Texts that packed JSON writes as one byte. A word's place in its list is its number on disk for good: new words are added at the
/// end, none is moved or taken out. A text that is not here costs some bytes more and is otherwise the same.
final class PackedWords: Sendable {
    /// Names of members, at most 224.
    static let names = PackedWords(
        """
        id schema_version revision updated_at tenant_id connection_id provider external_ids kind value direction origin state \
        disposition missed_reason ended_by cause sip q850 provider_code text started_at ringing_at system_answered_at answered_at \
        ended_at finalized_at wait_ms ring_ms talk_ms hold_ms total_ms external_party number name contact_ref raw e164 national \
        country extension valid plan line label requested user_id owner_user_id first_user_id route at ref result digits \
        participants role display_name joined_at left_at outcome legs participant_id parent_leg_id bridged_with leg_id from to side \
        endpoint trunk_id technical codec quality transfers status transferor_id transferee_id target from_leg_id to_leg_id \
        completed_at recordings duration_ms channels media_type size_bytes sha256 url provider_ref ready_at attempts last_error \
        retention_until consent transcript_id attribution assignment_id tracking_number pool_id method channel source medium \
        campaign content term click_ids client_ids session_id visitor_id landing_url referrer first_call unique_call target_call \
        confidence matched_at cost tags custom related call_id relation merged_into sources completeness level missing clock \
        time_zone assumed skew_ms created_at deleted_at type received keys leg facts end recording dtmf key phase sequence parent \
        handover group callee_left reason answered started external_number external_name tracking stale user voicemail problem menu
        """)

    /// Values, at most 256.
    static let values = PackedWords(
        """
        inbound outbound internal trunk click_to_call callback_request browser device campaign forward import unknown queued ringing \
        in_progress on_hold ended answered missed abandoned voicemail busy no_answer rejected canceled blocked invalid_number \
        unreachable failed no_agent_answered no_agent_available out_of_hours abandoned_in_ivr abandoned_in_queue abandoned_ringing \
        short_call error external_party user system call session leg linkedid sip_call_id crm_command recording geographic mobile \
        toll_free short_code extension sip_uri anonymous caller callee agent transferee transfer_target supervisor external queue \
        ivr conference talked answered_elsewhere unavailable transferred_away a b blind attended redirect pickup park_retrieve \
        started completed returned expected fetching available expired deleted not_recorded webhook history ami cel sip manual \
        partial complete reconciled hangup answer_time start static dynamic international RU KZ BY ring_group schedule announcement \
        mango zadarma megafon beeline telphin asterisk default held ready normal caller_hung_up callee_hung_up queue_timeout \
        transferred by_command consultative unmarked call.created call.queued call.ringing call.answered call.held call.resumed \
        call.transfer.started call.transfer.answered call.transfer.completed call.ended call.updated call.route.step call.dtmf \
        recording.ready national:RU Europe/Moscow UTC
        """)

    /// The words' bytes, one behind the other.
    let bytes: [UInt8]
    /// Where each word begins; one more than there are words.
    let starts: [Int]
    /// Word numbers plus 1 by hash, 0 where there is none.
    private let slots: [UInt8]

    private static let slotCount = 1024

    private init(_ list: String) {
        let words = list.split(whereSeparator: \.isWhitespace).map { Array($0.utf8) }
        precondition(words.count <= 255 && Set(words).count == words.count)
        bytes = words.flatMap { $0 }
        starts = words.reduce(into: [0]) { starts, word in starts.append(starts[starts.endIndex - 1] + word.count) }
        var slots = [UInt8](repeating: 0, count: Self.slotCount)
        for (number, word) in words.enumerated() {
            var slot = Self.slot(word.withUnsafeBytes(ShortText.hash))
            while slots[slot] != 0 { slot = (slot + 1) % Self.slotCount }
            slots[slot] = UInt8(number + 1)
        }
        self.slots = slots
    }

    /// Where the bytes of word `number` are.
    @inline(__always)
    func word(_ number: Int) -> Range<Int>? {
        number < starts.count - 1 ? starts[number]..<starts[number + 1] : nil
    }

    /// The number of the word that `text` is.
    @inline(__always)
    func number(of text: UnsafeRawBufferPointer) -> UInt8? { number(of: text, hash: ShortText.hash(text)) }

    /// The same, of a text whose hash is known.
    @inline(__always)
    func number(of text: UnsafeRawBufferPointer, hash: UInt64) -> UInt8? {
        guard text.count <= Self.longestWord, !text.isEmpty else { return nil }
        var slot = Self.slot(hash)
        while true {
            let entry = slots[slot]
            if entry == 0 { return nil }
            if isWord(Int(entry) - 1, text) { return entry - 1 }
            slot = (slot + 1) % Self.slotCount
        }
    }

    private func isWord(_ number: Int, _ text: UnsafeRawBufferPointer) -> Bool {
        let (start, end) = (starts[number], starts[number + 1])
        guard end - start == text.count else { return false }
        return bytes.withUnsafeBytes { ShortText.isSame(UnsafeRawBufferPointer(rebasing: $0[start..<end]), text) }
    }

    private static let longestWord = 32

    @inline(__always)
    private static func slot(_ hash: UInt64) -> Int { Int(truncatingIfNeeded: hash >> 54) % slotCount }
}

/// Quick work on short texts; no number that is kept depends on it.
enum ShortText {
    /// Whether two texts of one length are the same.
    @inline(__always)
    static func isSame(_ left: UnsafeRawBufferPointer, _ right: UnsafeRawBufferPointer) -> Bool {
        var offset = 0
        while offset &+ 8 <= left.count {
            let word = left.loadUnaligned(fromByteOffset: offset, as: UInt64.self)
            if word != right.loadUnaligned(fromByteOffset: offset, as: UInt64.self) { return false }
            offset &+= 8
        }
        while offset < left.count {
            if left[offset] != right[offset] { return false }
            offset &+= 1
        }
        return true
    }

    @inline(__always)
    static func hash(_ text: UnsafeRawBufferPointer) -> UInt64 {
        let count = text.count
        var hash = UInt64(truncatingIfNeeded: count) &* 0x9E37_79B9_7F4A_7C15
        var offset = 0
        while offset &+ 8 <= count {
            hash = mix(hash ^ text.loadUnaligned(fromByteOffset: offset, as: UInt64.self))
            offset &+= 8
        }
        var tail: UInt64 = 0
        while offset < count {
            tail = tail << 8 | UInt64(text[offset])
            offset &+= 1
        }
        return mix(hash ^ tail)
    }

    @inline(__always)
    static func mix(_ word: UInt64) -> UInt64 {
        let product = word.multipliedFullWidth(by: 0xA076_1D64_78BD_642F)
        return product.high ^ product.low
    }
}
