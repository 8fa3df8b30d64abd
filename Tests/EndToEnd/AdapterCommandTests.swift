import Connector
import TestSupport
import Testing

@testable import kommutator

extension EndToEnd {
    /// `kommutator adapter`: a provider of one's own.
    struct AdapterCommandTests {
        @Test(
            .timeLimit(.minutes(2)),
            arguments: [["--kind", "program"], ["--language", "php"], ["--kind", "mapped"]].filter { options in
                options[1] != "php" || Programs.has("php")
            })
        func `a new adapter passes its own trial, and is not written twice`(options: [String]) throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/my-pbx"
            let made = try GatewayProcess.run(["adapter", "new", "my-pbx", "--folder", path] + options)
            #expect(made.end == .exited(0), "\(made.output) \(made.complaints)")
            #expect(made.output.last?.hasSuffix("checks passed") == true)
            let again = try GatewayProcess.run(["adapter", "test", path])
            #expect(again.end == .exited(0))
            #expect(again.output == made.output)
            #expect(try GatewayProcess.run(["adapter", "new", "my-pbx", "--folder", path] + options).end == .exited(69))
        }

        /// So what is written for a vendor of that name is compiled and tested with everything else.
        @Test(.timeLimit(.minutes(1)))
        func `the room for the source tree is the one that Tests Skeleton holds`() throws {
            let folder = try TemporaryFolder()
            let path = folder.path + "/room"
            let made = try GatewayProcess.run(["adapter", "new", "my-pbx", "--kind", "swift", "--folder", path])
            #expect(made.end == .exited(0), "\(made.complaints)")
            #expect(made.output.contains("    import MyPbxAdapter"))
            let files = SwiftSkeleton(name: "my-pbx").files
            #expect(files.count >= 13)
            for file in files {
                let whole = try ProgramTests.text(of: "\(FixtureFolders.samples)/../Tests/Skeleton/\(file.path)")
                #expect(try ProgramTests.text(of: "\(path)/\(file.path)") == whole, "\(file.path)")
            }
        }

        @Test(arguments: [("my-pbx", "MyPbx"), ("3cx", "V3cx"), ("a_b-c2", "ABC2")])
        func `a vendor's types are called after it`(name: String, type: String) {
            let skeleton = SwiftSkeleton(name: name)
            #expect(skeleton.typeName == type)
            #expect(skeleton.files.contains { $0.path == "Sources/Adapters/\(type)/\(type)Adapter.swift" })
            #expect(skeleton.files.contains { $0.path == "Tests/Fixtures/\(name)/inbound-answered/requests.json" })
            #expect(!skeleton.files.contains { $0.text.contains("MyPbx") && type != "MyPbx" })
        }

        @Test(.timeLimit(.minutes(2)))
        func `a built-in adapter is tried on a folder of cases, for a program to read`() throws {
            let trial = try GatewayProcess.run(
                ["adapter", "test", FixtureFolders.cases(of: "zadarma"), "--output", "json", "--seed", "3", "--runs", "1"])
            #expect(trial.end == .exited(0), "\(trial.output)")
            let report = try JSONValue(parsing: trial.output.joined(separator: "\n"))
            #expect(report["adapter"]?.string == "zadarma")
            #expect(report["passed"]?.bool == true)
            #expect(report["seed"]?.int == 3)
            #expect(report["faults"]?.elements.count == 7)
            #expect(report["untried"]?.int == 0)
        }

        @Test(.timeLimit(.minutes(1)))
        func `a described vendor is tried by its connection's file`() throws {
            let trial = try GatewayProcess.run([
                "adapter", "test", "\(FixtureFolders.samples)/sample-mapped.yaml", "--cases", FixtureFolders.cases(of: "mapped"),
                "--fault", "loss", "--runs", "2",
            ])
            #expect(trial.end == .exited(0), "\(trial.output) \(trial.complaints)")
            #expect(trial.output.contains { $0.hasPrefix("  loss") })
            #expect(!trial.output.contains { $0.hasPrefix("  delay") })
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
            #expect(try GatewayProcess.run(["adapter", "new", "x", "--kind", "mapped", "--language", "php"]).end == .exited(64))
            #expect(try GatewayProcess.run(["adapter", "test", folder.path, "--seconds", "0"]).end == .exited(64))
            #expect(try GatewayProcess.run(["adapter", "test", folder.path, "--fault", "rain"]).end == .exited(64))
            #expect(try GatewayProcess.run(["adapter", "test", folder.path]).end == .exited(65))
            #expect(try GatewayProcess.run(["adapter", "test", folder.path, "--adapter", "none"]).end == .exited(64))
        }

        @Test(arguments: [("python/my_pbx.py", ProgramSkeleton.python), ("php/my_pbx.php", ProgramSkeleton.php)])
        func `the skeleton's program is the example`(path: String, text: String) throws {
            #expect(try ProgramTests.text(of: "\(FixtureFolders.samples)/../examples/program/\(path)") == text)
        }
    }
}
