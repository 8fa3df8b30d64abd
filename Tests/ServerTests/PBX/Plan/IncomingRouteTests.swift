import Connector
import PBXPlan
import Testing

@Suite struct IncomingRouteTests {
    private let plan: DialPlan

    init() throws { plan = try PlanBench.plan(PlanBench.office) }

    private func walk(_ line: String?, trunk: String? = nil) throws -> RouteWalk {
        RouteWalk(try #require(IncomingRoute.find(line: line, trunk: trunk, in: plan)).steps, of: plan)
    }

    /// What is done when nobody answers.
    private func actions(_ walk: RouteWalk, at moment: String) -> [RouteWalk.Action] {
        var walk = walk
        var actions: [RouteWalk.Action] = []
        while actions.count < 20 {
            let action = walk.next(at: PlanBench.moment(moment))
            actions.append(action)
            switch action {
            case .hangUp, .voicemail: return actions
            case .queue(let queue): walk.take(otherwise: queue.otherwise)
            case .menu(let menu): walk.take(otherwise: menu.otherwise)
            default: break
            }
        }
        return actions
    }

    @Test func `the line goes before the trunk, the account before its connection, and others come last`() throws {
        #expect(IncomingRoute.find(line: "+79000000010", trunk: "zadarma", in: plan)?.by == .line("+79000000010"))
        #expect(IncomingRoute.find(line: "+79000000099", trunk: "zadarma", in: plan)?.by == .trunk("zadarma"))
        #expect(IncomingRoute.find(line: nil, trunk: "zadarma/second", in: plan)?.by == .trunk("zadarma"))
        #expect(IncomingRoute.find(line: "+79000000099", trunk: "megafon", in: plan)?.by == .other)
        #expect(IncomingRoute.find(line: nil, trunk: nil, in: plan)?.by == .other)
        var bare = plan
        bare.incoming.other = nil
        #expect(IncomingRoute.find(line: nil, trunk: "megafon", in: bare) == nil)
    }

    @Test func `when the office is open, the responsible employee rings before the group`() throws {
        let box = try #require(plan.voicemail["sales"])
        #expect(
            actions(try walk("+79000000010"), at: "2026-12-01T10:00:00+03:00") == [
                .announce("recorded"), .record(true), .responsible(.seconds(20)),
                .ring(RingStep([.group("sales")], ringTime: .seconds(25))), .voicemail(box),
            ])
    }

    @Test func `when it is closed, other steps take the place of all that follows`() throws {
        let box = try #require(plan.voicemail["sales"])
        #expect(actions(try walk("+79000000010"), at: "2026-12-01T20:00:00+03:00") == [.announce("closed"), .voicemail(box)])
        #expect(actions(try walk("+79000000010"), at: "2027-01-04T10:00:00+03:00") == [.announce("closed"), .voicemail(box)])
    }

    @Test func `schedules on the way are told`() throws {
        var walk = try walk("+79000000010")
        _ = walk.next(at: PlanBench.moment("2026-12-01T20:00:00+03:00"))
        #expect(walk.takePassed() == [RouteWalk.Passed(schedule: "office", isOpen: false)])
        #expect(walk.takePassed() == [])
    }

    @Test func `a schedule is looked at when its step comes`() throws {
        let steps: [PlanStep] = [.announce("hello"), .schedule("office", otherwise: [.hangUp(.busy)]), .hangUp(.normal)]
        var walk = RouteWalk(steps, of: plan)
        #expect(walk.next(at: PlanBench.moment("2026-12-01T17:59:00+03:00")) == .announce("hello"))
        #expect(walk.next(at: PlanBench.moment("2026-12-01T18:00:30+03:00")) == .hangUp(.busy))
    }

    @Test func `a key's steps take the place of what follows the menu`() throws {
        var walk = try walk("+79000000011")
        let menu = try #require(plan.menus["main"])
        #expect(walk.next(at: .earliest) == .menu(menu))
        walk.take(menu.keys["2"] ?? [])
        let queue = try #require(plan.queues["support"])
        #expect(walk.next(at: .earliest) == .queue(queue))
        walk.take(otherwise: [])
        #expect(walk.next(at: .earliest) == .hangUp(.unavailable))
        #expect(walk.next(at: .earliest) == .hangUp(.unavailable))
    }

    @Test func `without an otherwise the next step follows`() throws {
        var walk = RouteWalk([.queue("support"), .hangUp(.busy)], of: plan)
        _ = walk.next(at: .earliest)
        walk.take(otherwise: [])
        #expect(walk.next(at: .earliest) == .hangUp(.busy))
    }

    @Test func `a caller who presses keys for ever is sent away`() throws {
        var walk = try walk("+79000000011")
        var count = 0
        while case .menu(let menu) = walk.next(at: .earliest), count < 10_000 {
            walk.take(menu.keys["*"] ?? [])
            count += 1
        }
        #expect(count == RouteWalk.stepLimit)
    }
}
