import Network
import Synchronization

/// What streams ask of TLS: one context for careful ones and one for those that take any certificate, each read when it is first needed.
final class TLSContexts: Sendable {
    private let authorities: String?
    private let contexts = Mutex<[Bool: TLSClientContext]>([:])

    init(authorities: String?) { self.authorities = authorities }

    /// - Throws: `NetworkError.tls`.
    subscript(trustingAny trustsAny: Bool) -> TLSClientContext {
        get throws(NetworkError) {
            let made: Result<TLSClientContext, NetworkError> = contexts.withLock { contexts in
                if let known = contexts[trustsAny] { return .success(known) }
                return Result { () throws(NetworkError) in
                    let context = try TLSClientContext(trustsAny: trustsAny, authorities: authorities)
                    contexts[trustsAny] = context
                    return context
                }
            }
            return try made.get()
        }
    }
}
