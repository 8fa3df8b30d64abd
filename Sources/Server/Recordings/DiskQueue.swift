import Dispatch

/// Runs what may wait for the disk, on threads that are not the shared pool's.
struct DiskQueue: Sendable {
    private let queue: DispatchQueue

    /// - Parameter isSerial: one piece of work at a time, in order.
    init(_ name: String, isSerial: Bool = false) {
        queue = DispatchQueue(label: name, attributes: isSerial ? [] : .concurrent)
    }

    func run<Value: Sendable>(_ body: @escaping @Sendable () throws -> Value) async throws -> Value {
        try await withCheckedThrowingContinuation { continuation in
            queue.async { continuation.resume(with: Result { try body() }) }
        }
    }
}
