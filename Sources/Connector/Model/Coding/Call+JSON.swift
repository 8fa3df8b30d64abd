// The public schema, version 1: every field is there, unknown is null or [].

extension Call {
    /// Writes the call as a packed JSON object: what counts the revisions first, then the content.
    /// - Returns: where the content begins in the writer's bytes; two records with equal content are one revision.
    @discardableResult
    package func write(to json: inout PackedJSONWriter) -> Int {
        json.restart()
        json.beginObject()
        json.field("id", id)
        json.field("schema_version", Self.schemaVersion)
        json.field("revision", revision)
        json.field("updated_at", updatedAt)
        json.forget()
        let contentStart = json.count
        writeContent(to: &json)
        json.endObject()
        return contentStart
    }

    /// The call as the API shows it.
    package func json() throws(PackedJSON.Damage) -> [UInt8] {
        var json = PackedJSONWriter()
        write(to: &json)
        return try PackedJSON.expand(json.packed)
    }

    private func writeContent(to json: inout PackedJSONWriter) {
        writeIdentity(to: &json)
        writeOutcome(to: &json)
        writeTimes(to: &json)
        writeParties(to: &json)
        json.array("route", route) { $0.write(to: &$1) }
        json.array("participants", participants) { $0.write(to: &$1) }
        json.array("legs", legs) { $0.write(connection: connection, to: &$1) }
        json.array("transfers", transfers) { $0.write(to: &$1) }
        json.array("recordings", recordings) { $0.write(callID: id, to: &$1) }
        writeRest(to: &json)
    }

    private func writeIdentity(to json: inout PackedJSONWriter) {
        json.field("tenant_id", tenant.name)
        json.field("connection_id", connection.name)
        json.field("provider", provider)
        json.array("external_ids", externalIDs) { $0.write(connection: connection, to: &$1) }
    }

    private func writeOutcome(to json: inout PackedJSONWriter) {
        json.field("direction", direction)
        json.field("origin", origin)
        json.field("state", state)
        json.field("disposition", disposition)
        json.field("missed_reason", missedReason)
        json.field("ended_by", endedBy)
        json.object("cause", cause) { $0.write(to: &$1) }
    }

    private func writeTimes(to json: inout PackedJSONWriter) {
        json.field("started_at", startedAt)
        json.field("ringing_at", ringingAt)
        json.field("system_answered_at", systemAnsweredAt)
        json.field("answered_at", answeredAt)
        json.field("ended_at", endedAt)
        json.field("finalized_at", finalizedAt)
        json.field("wait_ms", waitMilliseconds)
        json.field("ring_ms", ringMilliseconds)
        json.field("talk_ms", talkMilliseconds)
        json.field("hold_ms", holdMilliseconds)
        json.field("total_ms", totalMilliseconds)
    }

    private func writeParties(to json: inout PackedJSONWriter) {
        json.object("external_party", externalParty) { party, json in
            json.object("number", party.number) { $1.members(of: $0) }
            json.field("name", party.name)
            json.nullField("contact_ref")
        }
        json.object("line", line) { line, json in
            json.field("id", line.id)
            json.object("number", line.number) { $1.members(of: $0) }
            json.field("label", line.label)
        }
        json.object("requested", requested) { requested, json in
            switch requested {
            case .number(let number): json.object("number", number) { $1.members(of: $0) }
            case .user(let userID): json.field("user_id", userID)
            }
        }
        json.field("owner_user_id", ownerUserID)
        json.field("first_user_id", firstUserID)
    }

    private func writeRest(to json: inout PackedJSONWriter) {
        json.object("attribution", attribution) { $0.write(to: &$1) }
        json.nullField("cost")
        json.beginArray("tags")
        json.endArray()
        json.beginObject("custom")
        if !custom.isEmpty {
            json.name(dynamic: provider)
            json.beginObject()
            for field in custom {
                json.name(dynamic: field.name)
                json.value(field.value)
            }
            json.endObject()
        }
        json.endObject()
        json.array("related", related) { related, json in
            json.beginObject()
            json.field("call_id", related.callID)
            json.field("relation", related.relation)
            json.endObject()
        }
        json.field("merged_into", mergedInto)
        json.array("sources", sources) { $1.value($0.rawValue) }
        json.beginObject("completeness")
        json.field("level", completeness.level)
        json.array("missing", completeness.missing) { $1.value($0.rawValue) }
        json.endObject()
        json.beginObject("clock")
        json.field("time_zone", clock.timeZone)
        json.field("assumed", clock.assumed)
        json.field("skew_ms", clock.skewMilliseconds)
        json.endObject()
        json.field("created_at", createdAt)
        json.field("deleted_at", deletedAt)
    }
}

// MARK: - Parts

extension ExternalKey {
    fileprivate func write(connection: ConnectionID, to json: inout PackedJSONWriter) {
        json.beginObject()
        json.field("kind", kind)
        json.field("value", value)
        json.field("connection_id", connection.name)
        json.endObject()
    }
}

extension PhoneNumber {
    /// Writes the members of the number's object.
    package func write(to json: inout PackedJSONWriter) {
        json.field("raw", raw)
        json.field("e164", e164)
        json.field("national", national)
        json.field("country", country)
        json.field("kind", kind)
        json.field("extension", `extension`)
        json.field("valid", valid)
        json.field("plan", plan)
    }
}

extension Cause {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.field("sip", sip)
        json.field("q850", q850)
        json.field("provider_code", providerCode)
        json.field("text", text)
    }
}

extension RouteStep {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.beginObject()
        json.field("at", at)
        json.field("kind", kind)
        json.field("ref", ref)
        json.field("label", label)
        json.field("result", result)
        json.field("digits", digits)
        if let tookMilliseconds {
            json.field("decided_by", "crm")
            json.field("took_ms", tookMilliseconds)
        }
        json.endObject()
    }
}

extension Participant {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.beginObject()
        json.field("id", id)
        json.field("role", role)
        json.field("kind", kind)
        json.field("user_id", userID)
        json.field("extension", `extension`)
        json.object("number", number) { $1.members(of: $0) }
        json.field("display_name", displayName)
        json.field("joined_at", joinedAt)
        json.field("answered_at", answeredAt)
        json.field("left_at", leftAt)
        json.field("talk_ms", talkMilliseconds)
        json.field("outcome", outcome)
        json.endObject()
    }
}

extension Leg {
    fileprivate func write(connection: ConnectionID, to json: inout PackedJSONWriter) {
        json.beginObject()
        json.field("id", id)
        json.array("external_ids", externalIDs) { $0.write(connection: connection, to: &$1) }
        json.field("participant_id", participantID)
        json.field("parent_leg_id", parentLegID)
        json.array("bridged_with", bridgedWith) { bridge, json in
            json.beginObject()
            json.field("leg_id", bridge.leg)
            json.field("from", bridge.from)
            json.field("to", bridge.to)
            json.endObject()
        }
        json.field("side", side)
        json.field("endpoint", endpoint)
        json.field("trunk_id", trunkID)
        json.field("started_at", startedAt)
        json.field("ringing_at", ringingAt)
        json.field("answered_at", answeredAt)
        json.field("ended_at", endedAt)
        json.field("result", result)
        json.object("cause", cause) { $0.write(to: &$1) }
        json.field("technical", technical)
        json.field("codec", codec)
        json.object("quality", quality) { quality, json in
            json.nullField("mos")
            json.field("loss", quality.loss)
            json.field("jitter_ms", quality.jitterMilliseconds)
        }
        json.endObject()
    }
}

extension Transfer {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.beginObject()
        json.field("id", id)
        json.field("kind", kind)
        json.field("status", status)
        json.field("transferor_id", transferorID)
        json.field("transferee_id", transfereeID)
        json.object("target", target) { target, json in
            switch target {
            case .participant(let id): json.field("participant_id", id)
            case .number(let number): json.object("number", number) { $1.members(of: $0) }
            }
        }
        json.field("from_leg_id", fromLegID)
        json.field("to_leg_id", toLegID)
        json.field("started_at", startedAt)
        json.field("completed_at", completedAt)
        json.object("cause", cause) { $0.write(to: &$1) }
        json.endObject()
    }
}

extension Recording {
    fileprivate func write(callID: CallID, to json: inout PackedJSONWriter) {
        json.beginObject()
        json.field("id", id)
        json.field("kind", kind)
        json.field("status", status)
        json.field("leg_id", legID)
        json.field("started_at", startedAt)
        json.field("duration_ms", durationMilliseconds)
        json.field("channels", channels)
        json.field("media_type", file?.mediaType)
        json.field("size_bytes", file?.byteCount)
        json.field("sha256", file?.sha256)
        json.field("url", status == .available ? "/api/v1/calls/\(callID)/recordings/\(id)/media" : nil)
        json.field("provider_ref", providerRef)
        json.field("ready_at", readyAt)
        json.field("attempts", attempts)
        json.field("last_error", lastError)
        json.field("retention_until", file?.keptUntil)
        json.field("consent", consent?.rawValue ?? "unknown")
        json.nullField("transcript_id")
        json.endObject()
    }
}

extension Attribution {
    fileprivate func write(to json: inout PackedJSONWriter) {
        json.nullField("assignment_id")
        json.field("tracking_number", trackingNumber)
        json.nullField("pool_id")
        json.field("method", method)
        json.field("channel", channel)
        for name: StaticString in [
            "source", "medium", "campaign", "content", "term", "click_ids", "client_ids", "session_id", "visitor_id",
            "landing_url",
            "referrer", "first_call", "unique_call", "target_call", "confidence", "matched_at",
        ] {
            json.nullField(name)
        }
    }
}
