import HTTPServer
import Synchronization

/// How often each route answered what.
final class APIMetrics: Sendable {
    struct Key: Hashable, Comparable, Sendable {
        var method: String
        var pattern: String
        var status: Int

        static func < (left: Self, right: Self) -> Bool {
            (left.pattern, left.method, left.status) < (right.pattern, right.method, right.status)
        }
    }

    private let counts = Mutex<[Key: Int]>([:])

    func count(_ route: APIRoute, _ status: HTTPStatus) {
        let key = Key(method: route.method.name, pattern: route.pattern, status: status.code)
        counts.withLock { $0[key, default: 0] += 1 }
    }

    var snapshot: [(key: Key, value: Int)] { counts.withLock { $0 }.sorted { $0.key < $1.key } }
}
