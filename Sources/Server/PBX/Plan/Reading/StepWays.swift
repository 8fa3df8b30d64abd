import Connector

/// Which named lists of steps lead on to which without the caller's doing: a circle of them would never end.
///
/// A key that is pressed in a menu may lead anywhere, also back.
struct StepWays {
    enum Place: Hashable, CustomStringConvertible {
        case route(String), menu(String), queue(String)

        var description: String {
            switch self {
            case .route(let name): "route \(name)"
            case .menu(let name): "menu \(name)"
            case .queue(let name): "queue \(name)"
            }
        }
    }

    struct Circle {
        var problem: String
        var hint: String
        var place: SettingTree.Place
    }

    private struct Way {
        var target: Place
        var place: SettingTree.Place
    }

    private var ways: [Place: [Way]] = [:]
    /// In the order of the file.
    private var order: [Place] = []

    mutating func add(from origin: Place, to target: Place, at place: SettingTree.Place) {
        if ways[origin] == nil { order.append(origin) }
        ways[origin, default: []].append(Way(target: target, place: place))
    }

    /// Each circle once, at the step that closes it. Every way is walked once; the walk keeps its own stack, for a hostile file is deep.
    func circles() -> [Circle] {
        var circles: [Circle] = []
        var done: Set<Place> = []
        for origin in order where !done.contains(origin) {
            var path: [(place: Place, next: Int)] = [(origin, 0)]
            var onPath: [Place: Int] = [origin: 0]
            while let top = path.last {
                guard let way = ways[top.place].flatMap({ top.next < $0.count ? $0[top.next] : nil }) else {
                    done.insert(top.place)
                    onPath[top.place] = nil
                    path.removeLast()
                    continue
                }
                path[path.count - 1].next += 1
                if let start = onPath[way.target] {
                    circles.append(circle(path[start...].map(\.place) + [way.target], at: way.place))
                } else if !done.contains(way.target) {
                    onPath[way.target] = path.count
                    path.append((way.target, 0))
                }
            }
        }
        return circles
    }

    private func circle(_ places: [Place], at place: SettingTree.Place) -> Circle {
        let names =
            places.count > 9
            ? places.prefix(4).map(\.description) + ["…"] + places.suffix(4).map(\.description) : places.map(\.description)
        return Circle(
            problem: "these steps run in a circle: \(names.joined(separator: " → "))",
            hint: "let one of them end with hang_up or voicemail, or go on by a menu's key", place: place)
    }
}
