import Glibc
import Testing
import TestSupport

extension EndToEnd {
    /// A disk that takes no more: nothing acknowledged is lost, and room is used as soon as there is some.
    struct DiskFullTests {
        @Test(.enabled(if: SmallDisk.isPossible, "needs the right to mount in a namespace of its own"), .timeLimit(.minutes(1)))
        func `a full disk is answered with 5xx, loses nothing acknowledged, and the gateway recovers by itself`() throws {
            let premises = try GatewayPremises()
            let gateway = try premises.open(launcher: SmallDisk.launcher(at: premises.data))
            let disk = SmallDisk(of: gateway, at: premises.data)
            try disk.fill(megabytes: 5)
            try Self.expectRecovery(of: gateway, key: premises.makeKey(data: disk.path)) { try disk.makeRoom() }
        }

        @Test(.timeLimit(.minutes(1)))
        func `a file that may not grow is answered with 5xx, loses nothing acknowledged, and the gateway recovers`() throws {
            let premises = try GatewayPremises()
            let key = try premises.makeKey()
            // 2 MB a file, as a soft limit: it can be raised while the process runs.
            let gateway = try premises.open(launcher: ["sh", "-c", #"ulimit -S -f 4096; exec "$@""#, "sh"])
            try Self.expectRecovery(of: gateway, key: key) {
                let raised = try GatewayProcess.run(command: ["prlimit", "--pid", "\(gateway.pid)", "--fsize=unlimited"])
                try #require(raised.end == .exited(0), "\(raised.complaints)")
            }
        }

        /// Sends until the disk takes no more, makes room, and looks whether all is well.
        private static func expectRecovery(of gateway: GatewayProcess, key: String, makeRoom: () throws -> Void) throws {
            let requests = AcknowledgedRequests()
            let provider = Provider(gateway)
            let refusal = try #require(sendUntilRefused(requests, provider), "the disk never was full")
            #expect((500...503).contains(refusal))
            let crm = try CRMClient(gateway, key: key)
            #expect(try crm.get("/calls?limit=1").status == 200, "what is stored can be read")
            try makeRoom()
            try sendUntilAccepted(requests, provider, crm)
            #expect(requests.play(.any("after", seed: 0), through: provider) == 4)
            try crm.waitForLedger()
            let marks = try crm.all("requests", at: "/inbox").map { AcknowledgedRequests.mark(in: $0["query"]?.string ?? "") }
            #expect(Set(marks).count == marks.count)
            #expect(requests.acknowledged.subtracting(marks).isEmpty, "acknowledged, and gone")
            let changes = try crm.changes().changes
            Feed.expectWhole(changes)
            #expect(requests.calls.isSubset(of: Feed.vendorNames(changes)))
        }

        private static func sendUntilRefused(_ requests: AcknowledgedRequests, _ provider: Provider) -> Int? {
            for number in 0..<20_000 {
                let call = VendorCall.any("f\(number)", seed: number)
                for request in call.requests {
                    let status = requests.send(request, of: call.name, through: provider)
                    if status != 200 { return status ?? 0 }
                }
            }
            return nil
        }

        /// What was refused is sent again, as providers do. Between attempts the long poll passes the time.
        private static func sendUntilAccepted(
            _ requests: AcknowledgedRequests, _ provider: Provider, _ crm: CRMClient
        ) throws {
            var next = try crm.changes().next
            for attempt in 0..<30 {
                let call = VendorCall.any("again\(attempt)", seed: 0)
                if requests.send(call.requests[0], of: call.name, through: provider) == 200 { return }
                next = try crm.page(after: next, wait: 1).next
            }
            Issue.record("the gateway does not recover")
        }
    }
}

/// A file system of 8 MB that one process alone sees.
private struct SmallDisk {
    /// The disk as it is seen from outside.
    let path: String

    init(of gateway: GatewayProcess, at data: String) { path = "/proc/\(gateway.pid)/root\(data)" }

    /// Root needs a namespace of mounts, everybody else one of users as well.
    private static let namespaces = geteuid() == 0 ? "-m" : "-rm"

    static func launcher(at data: String) -> [String] {
        ["unshare", namespaces, "sh", "-c", #"mount -t tmpfs -o size=8m none "$0" && exec "$@""#, data]
    }

    static var isPossible: Bool {
        do {
            let folder = try TemporaryFolder()
            return try GatewayProcess.run(command: launcher(at: folder.path) + ["true"]).end == .exited(0)
        } catch {
            // No `unshare` here: the test says that it was left out.
            return false
        }
    }

    func fill(megabytes: Int) throws {
        guard let file = fopen(ballast, "w") else { throw SystemFailure.last(ballast) }
        defer { fclose(file) }
        let piece = [UInt8](repeating: 0, count: 1 << 20)
        for _ in 0..<megabytes where fwrite(piece, 1, piece.count, file) != piece.count { throw SystemFailure.last(ballast) }
    }

    func makeRoom() throws {
        guard unlink(ballast) == 0 else { throw SystemFailure.last(ballast) }
    }

    private var ballast: String { path + "/ballast" }
}
