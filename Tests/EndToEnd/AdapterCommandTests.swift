import Connector
import TestSupport
import Testing

@testable import kommutator

extension EndToEnd {
    /// `kommutator adapter`: a provider of one's own.
    struct AdapterCommandTests {
        @Test(.timeLimit(.minutes(2)))
        func `a new adapter passes its own trial, and is not written twice`() throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/my-pbx"
            let made = try GatewayProcess.run(["adapter", "new", "my-pbx", "--folder", path])
            #expect(made.end == .exited(0), "\(made.output) \(made.complaints)")
            #expect(made.output.last?.hasSuffix("checks passed") == true)
            let again = try GatewayProcess.run(["adapter", "test", path])
            #expect(again.end == .exited(0))
            #expect(again.output == made.output)
            #expect(try GatewayProcess.run(["adapter", "new", "my-pbx", "--folder", path]).end == .exited(69))
        }

        @Test(.timeLimit(.minutes(2)))
        func `an adapter that got worse fails its trial`() throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/my-pbx"
            #expect(try GatewayProcess.run(["adapter", "new", "my-pbx", "--folder", path]).end == .exited(0))
            try folder.write("exit\n", to: "my-pbx/my_pbx.py")
            try folder.write("200\n", to: "my-pbx/cases/rejected/error.txt")
            let trial = try GatewayProcess.run(["adapter", "test", path])
            #expect(trial.end == .exited(65))
            #expect(trial.output.contains { $0.contains("refuses with the expected status") })
        }

        @Test(.timeLimit(.minutes(1)))
        func `what cannot be begun or tried is said`() throws {
            let folder = try TemporaryFolder()
            #expect(try GatewayProcess.run(["adapter", "new", "../x"]).end == .exited(64))
            #expect(try GatewayProcess.run(["adapter", "new", "x", "--kind", "magic"]).end == .exited(64))
            #expect(try GatewayProcess.run(["adapter", "test", folder.path]).end == .exited(65))
            #expect(try GatewayProcess.run(["adapter", "test", folder.path, "--adapter", "none"]).end == .exited(64))
        }

        @Test func `the skeleton's program is the example`() throws {
            let path = "\(FixtureFolders.samples)/../examples/program/python/my_pbx.py"
            #expect(try ProgramTests.text(of: path) == ProgramSkeleton.program)
        }
    }
}
