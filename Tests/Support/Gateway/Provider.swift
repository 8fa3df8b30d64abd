import Glibc

/// A provider's side: sends webhooks on one kept connection, and takes another one when that is gone.
package final class Provider {
    private let port: UInt16
    private var wire: WireClient?

    package init(_ gateway: GatewayProcess) { port = gateway.port }

    /// Sends one request.
    /// - Returns: the status; `nil` where none came.
    package func send(_ request: WireRequest) -> Int? {
        do {
            let wire = try self.wire ?? WireClient(port: port)
            self.wire = wire
            let answer = try wire.exchange(request)
            if answer.header("Connection") == "close" { self.wire = nil }
            return answer.status
        } catch {
            // The gateway is gone: what a test of crashes waits for.
            wire = nil
            return nil
        }
    }

    /// Sends a whole call.
    /// - Returns: the statuses.
    package func play(_ call: VendorCall) -> [Int?] { call.requests.map(send) }
}
