import Connector
import Synchronization

/// The numbers read lately, in two generations: when the young one is full it becomes the old one, and the old one is forgotten.
///
/// What is asked for again moves into the young generation. Memory is bounded by two generations, without a list to keep in order.
final class NumberCache: Sendable {
    struct Key: Hashable, Sendable {
        let raw: String
        let country: String
    }

    private struct State {
        var young: [Key: PhoneNumber] = [:]
        var old: [Key: PhoneNumber] = [:]
        var hits = 0
        var misses = 0
    }

    private let generationSize: Int
    private let state = Mutex(State())

    init(generationSize: Int) { self.generationSize = max(1, generationSize) }

    var counts: (hits: Int, misses: Int, stored: Int) {
        state.withLock { ($0.hits, $0.misses, $0.young.count + $0.old.count) }
    }

    subscript(key: Key) -> PhoneNumber? {
        get {
            state.withLock { state in
                if let number = state.young[key] {
                    state.hits += 1
                    return number
                }
                guard let number = state.old.removeValue(forKey: key) else {
                    state.misses += 1
                    return nil
                }
                state.hits += 1
                store(number, key, &state)
                return number
            }
        }
        set {
            guard let newValue else { return }
            state.withLock { store(newValue, key, &$0) }
        }
    }

    private func store(_ number: PhoneNumber, _ key: Key, _ state: inout State) {
        if state.young.count >= generationSize {
            state.old = state.young
            state.young = [:]
        }
        state.young[key] = number
    }
}
