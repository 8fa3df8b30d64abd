import Connector

/// A question to somebody else while the customer hears music.
struct AsteriskConsultation: Sendable {
    /// Who waits.
    var customer: String
    /// The bridge where he waits, and the one where he is asked about.
    var bridge: String
    var second: String
    /// The two halves of the Local channel.
    var one: String
    var two: String
}

/// How calls are passed on.
extension AsteriskExchange {
    /// Moves a leg to an extension, as Redirect does: whom it talked with is hung up, unless he is moved as well.
    mutating func redirect(_ id: String, context: String, exten: String, sparing spared: String? = nil) {
        let other = partner(of: id)
        cancelDials(id)
        leave(id)
        move(id, context: context, exten: exten)
        if let other, other != spared {
            leave(other)
            end(other, cause: 16)
        }
        dialExtension(id)
    }

    private mutating func cancelDials(_ id: String) {
        for one in legs[id]?.dials ?? [] {
            tellDial("DialEnd", id, one, ["DialStatus": "CANCEL"])
            end(one, cause: 16)
        }
        legs[id]?.dials = []
        legs[id]?.dialledBy = nil
    }

    private mutating func move(_ id: String, context: String, exten: String) {
        legs[id]?.context = context
        legs[id]?.exten = exten
        legs[id]?.dialledBy = nil
    }

    /// Blind transfer by the leg's holder; false where he talks with nobody.
    mutating func passOn(_ id: String, to exten: String, context: String = inside, isExternal: Bool) -> Bool {
        guard let leg = legs[id], let other = partner(of: id), let moved = legs[other], let bridge = leg.bridge,
            consultations[id] == nil
        else { return false }
        tell(
            "BlindTransfer", "call", ["Result": "Success"], leg.fields("Transferer"), moved.fields("Transferee"),
            bridgeFields(bridge), ["IsExternal": isExternal ? "Yes" : "No", "Context": context, "Extension": exten])
        move(other, context: context, exten: exten)
        leave(other)
        leave(id)
        end(id, cause: 16)
        dialExtension(other)
        return true
    }

    // MARK: Asking first

    /// Attended transfer: calls somebody else while the partner waits. Nothing where the leg talks with nobody.
    mutating func ask(_ id: String, for exten: String) {
        guard let leg = legs[id], let customer = partner(of: id), let bridge = leg.bridge, consultations[id] == nil,
            AsteriskOptions.isPhone(exten)
        else { return }
        tell("Hold", "call", tellable(id))
        tell("MusicOnHoldStart", "call", tellable(customer), ["Class": "default"])
        let (one, two) = beginLocal(to: exten, of: leg.linkedID)
        let second = makeBridge()
        tell(
            "LocalBridge", "call", one.fields("LocalOne"), two.fields("LocalTwo"),
            ["Context": Self.inside, "Exten": exten, "LocalOptimization": "Yes"])
        enter(one.id, second)
        leaveKeeping(id)
        enter(id, second)
        consultations[id] = AsteriskConsultation(
            customer: customer, bridge: bridge, second: second, one: one.id, two: two.id)
        dialExtension(two.id)
        plan(.joins(id), after: .seconds(8))
    }

    /// Leaves a bridge that goes on.
    private mutating func leaveKeeping(_ id: String) {
        guard let bridge = legs[id]?.bridge else { return }
        legs[id]?.bridge = nil
        bridges[bridge]?.removeAll { $0 == id }
        tell("BridgeLeave", "call", bridgeFields(bridge), tellable(id))
    }

    /// The one who asked hangs up: whom he asked about and whom he asked now talk. Where nobody has answered, he is back.
    mutating func join(_ id: String) {
        guard let asked = consultations[id], let leg = legs[id], let two = legs[asked.two], let target = partner(of: two.id)
        else {
            takeBack(id)
            return
        }
        consultations[id] = nil
        tell("HangupRequest", "call", leg.fields(), ["Cause": "16"])
        tell("MusicOnHoldStop", "call", tellable(asked.customer))
        leave(asked.one)
        enter(asked.one, asked.bridge)
        set(.up, of: asked.one)
        tell(
            "AttendedTransfer", "call", ["Result": "Success"], leg.fields("OrigTransferer"),
            bridgeFields(asked.bridge, "OrigBridge"), leg.fields("SecondTransferer"), bridgeFields(asked.second, "SecondBridge"),
            legs[asked.customer]?.fields("Transferee") ?? AsteriskFields(),
            legs[asked.one]?.fields("TransferTarget") ?? AsteriskFields(),
            ["IsExternal": "No", "DestType": "Bridge", "DestBridgeUniqueid": asked.bridge])
        leave(id)
        end(id, cause: 16)
        optimizeAway(asked, target)
    }

    /// The Local channel vanishes: both parties come to lie in one bridge.
    private mutating func optimizeAway(_ asked: AsteriskConsultation, _ target: String) {
        let bridge = legs[target]?.bridge ?? asked.second
        tell(
            "LocalOptimizationBegin", "call", legs[asked.one]?.fields("LocalOne") ?? AsteriskFields(),
            legs[asked.two]?.fields("LocalTwo") ?? AsteriskFields(), ["Id": "1"])
        leaveKeeping(asked.customer)
        leaveKeeping(asked.two)
        enter(asked.customer, bridge)
        tell(
            "LocalOptimizationEnd", "call", legs[asked.one]?.fields("LocalOne") ?? AsteriskFields(),
            legs[asked.two]?.fields("LocalTwo") ?? AsteriskFields(), ["Success": "Yes", "Id": "1"])
        leave(asked.one)
        destroyIfEmpty(asked.bridge)
        end(asked.one, cause: 16)
        end(asked.two, cause: 16)
        noteTalk([asked.customer, target])
        plan(.hangsUp(asked.customer), after: books[legs[target]?.linkedID ?? ""]?.course.talk ?? .seconds(20))
    }

    /// Ends a question without an answer: the customer is taken back. False where there was none.
    @discardableResult
    mutating func takeBack(_ id: String) -> Bool {
        guard let asked = consultations.removeValue(forKey: id), legs[id] != nil else { return false }
        let target = partner(of: asked.two)
        cancelDials(asked.two)
        leave(asked.one)
        leave(id)
        leave(asked.two)
        if let target {
            leave(target)
            end(target, cause: 16)
        }
        end(asked.one, cause: 16)
        end(asked.two, cause: 16)
        guard legs[asked.customer] != nil else {
            end(id, cause: 16)
            return true
        }
        tell("MusicOnHoldStop", "call", tellable(asked.customer))
        enter(id, asked.bridge)
        tell("Unhold", "call", tellable(id))
        plan(.hangsUp(asked.customer), after: .seconds(5))
        return true
    }

    /// Whom somebody asked has not answered.
    mutating func consultationEnds(_ two: String) {
        guard let asker = consultations.first(where: { $0.value.two == two })?.key else { return }
        takeBack(asker)
    }
}
