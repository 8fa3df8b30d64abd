// The room, word for word as it stands in Tests/Skeleton, where it is compiled and tested; a test compares them.

extension SwiftSkeleton {
    /// `Sources/Adapters/MyPbx/MyPbxAdapter.swift`.
    // swift-format-ignore
    static let adapter = ##"""
        import AdapterKit
        import Connector
        import Digests

        /// my-pbx: reads its webhooks.
        ///
        /// One value is one connection. See README.md for what the vendor sends.
        package struct MyPbxAdapter: TelephonyAdapter {
            package static let descriptor = AdapterDescriptor(
                name: "my-pbx", title: "my-pbx", version: "1",
                settings: [
                    SettingSpecification("secret", .secret, isRequired: true, help: "the key of the webhooks' signature")
                ] + CommonSettings.all,
                headers: [MyPbxAuthenticator.header])

            private let signer: KeyedDigest

            package init(settings: AdapterSettings) throws {
                signer = KeyedDigest(hmac: .sha256, key: Array(try settings.required("secret").utf8))
            }

            package func makeAuthenticator() -> any WebhookAuthenticator { MyPbxAuthenticator(signer: signer) }

            package func makeDecoder() -> any EventDecoder { MyPbxDecoder() }
        }

        """##

    /// `Sources/Adapters/MyPbx/MyPbxAuthenticator.swift`.
    // swift-format-ignore
    static let authenticator = ##"""
        import AdapterKit
        import Connector
        import Digests

        /// Verifies the signature of a webhook: lowercase hex HMAC-SHA256 of the body as received, in the header `X-my-pbx-signature`.
        final class MyPbxAuthenticator: WebhookAuthenticator {
            static let header = "x-my-pbx-signature"

            private let signer: KeyedDigest

            init(signer: KeyedDigest) { self.signer = signer }

            func authenticate(_ request: WebhookRequest) -> Authentication {
                guard let signature = request.header(Self.header) else {
                    return .refuse(status: 401, reason: "the signature is missing")
                }
                // Compared in constant time.
                let isGenuine = signer.sign { $0.update(request.body) }.matches(hex: signature.utf8)
                return isGenuine ? .accept(.ok) : .refuse(status: 403, reason: "the signature is another one")
            }
        }

        extension MyPbxAdapter: SignatureCoverage {
            package static let signatureHeaders = [MyPbxAuthenticator.header]

            /// The whole body is signed.
            package static func signedFields(of fields: any NamedFields) -> [String] { fields.names }
        }

        """##

    /// `Sources/Adapters/MyPbx/MyPbxWebhook.swift`.
    // swift-format-ignore
    static let webhook = ##"""
        import AdapterKit
        import Connector

        /// The vendor's words for what happened.
        enum MyPbxEvent: String {
            case ringing, answered, hangup, recorded
        }

        /// Reads one connection's webhooks. Keeps no state but memory to use again.
        final class MyPbxDecoder: EventDecoder {
            private var fields = FieldTable()

            func decode(_ raw: RawRecord) -> [Decoded] {
                do {
                    try raw.body.withUnsafeBytes { try fields.readForm($0) }
                } catch let error as FieldError {
                    return [.undecoded(reason: error.description)]
                } catch {
                    return [.undecoded(reason: "the body cannot be read")]
                }
                guard let word = fields.text("event") else { return [.undecoded(reason: "`event` is missing")] }
                guard let event = MyPbxEvent(rawValue: word) else {
                    return [.ignored(reason: "a kind of event this adapter does not know")]
                }
                guard let call = fields.text("call") else { return [.undecoded(reason: "`call` is missing")] }
                return [.call(MyPbxMessage(fields, event, of: call, raw.stamp).callEvent)]
            }
        }

        /// One request, and what it says of its call.
        struct MyPbxMessage {
            /// Fields that have their place in the record; the others go into `custom`.
            private static let known: NameSet = ["event", "call", "at", "direction", "from", "to", "line", "reason", "record"]

            private let fields: FieldTable
            private let event: MyPbxEvent
            private let call: String
            private let raw: RawStamp

            init(_ fields: FieldTable, _ event: MyPbxEvent, of call: String, _ raw: RawStamp) {
                self.fields = fields
                self.event = event
                self.call = call
                self.raw = raw
            }

            var callEvent: CallEvent {
                var told = CallEvent(
                    id: repeatKey.eventID(), rawID: raw.id, keys: [ExternalKey(.call, call)], type: type,
                    occurredAt: time ?? raw.receivedAt, receivedAt: raw.receivedAt, source: raw.source)
                told.facts = CallFacts(direction: direction, line: fields.text("line"))
                told.leg = leg
                if event == .hangup { told.ending = EndReport(reason: reason) }
                if event == .recorded { told.recording = fields.text("record").map { RecordingReport(key: $0, phase: .ready) } }
                for name in fields.names(except: Self.known) { told.custom.keep(name, fields.string(name)) }
                return told
            }

            /// What two deliveries of the same event have in common, and no two events.
            private var repeatKey: RepeatKey {
                var key = RepeatKey(raw.connection)
                for part in [call, event.rawValue, fields.text("at") ?? "", fields.text("record") ?? ""] { key.add(part) }
                return key
            }

            /// `at` is in milliseconds since 1970.
            private var time: Instant? {
                guard let milliseconds = fields.integer("at") else { return nil }
                let instant = Instant(milliseconds: Int64(milliseconds))
                return (Instant.earliest...Instant.latest).contains(instant) ? instant : nil
            }

            // MARK: Tables

            private var type: EventType {
                switch event {
                case .ringing: .ringing
                case .answered: .answered
                case .hangup: .ended
                case .recorded: .recordingReady
                }
            }

            private var direction: Direction? {
                switch fields.text("direction") {
                case "in": .inbound
                case "out": .outbound
                default: nil
                }
            }

            private var reason: EndReason {
                switch fields.text("reason") {
                case "normal": .normal
                case "busy": .busy
                case "no_answer": .noAnswer
                default: .unknown
                }
            }

            private var leg: LegReport? {
                let phase: LegReport.Phase
                switch event {
                case .ringing: phase = .ringing
                case .answered: phase = .answered
                case .hangup: phase = .ended
                case .recorded: return nil
                }
                return LegReport(
                    key: call, phase: phase, from: party(fields.text("from")), to: party(fields.text("to")),
                    reason: event == .hangup ? reason : nil)
            }

            /// An employee has a short number; everybody else is outside.
            private func party(_ number: String?) -> Party? {
                number.map { $0.utf8.count <= 4 ? .user(extension: $0, endpoint: nil) : .external(number: $0) }
            }
        }

        """##

    /// `Sources/Adapters/MyPbx/README.md`.
    // swift-format-ignore
    static let readme = ##"""
        # my-pbx

        What to click in the vendor's cabinet, what it sends, and where that was read, with the date.

        | field | says |
        |---|---|
        | `event` | `ringing`, `answered`, `hangup`, `recorded` |
        | `call` | the call's name |
        | `at` | milliseconds since 1970 |
        | `direction` | `in`, `out` |
        | `from`, `to`, `line` | numbers; an employee's is short |
        | `reason` | of `hangup`: `normal`, `busy`, `no_answer` |
        | `record` | of `recorded`: the recording's name |

        The body is a form; `X-my-pbx-signature` is the hex HMAC-SHA256 of it.

        ## Oddities

        None is known: this was written by `kommutator adapter new`. Put what the vendor really sends into `Tests/Fixtures/my-pbx`.

        """##

    /// `adapters.d/sample-my-pbx.yaml`.
    // swift-format-ignore
    static let sample = ##"""
        # my-pbx. Copy this file, name it after the connection, and set `enabled: true`.
        # The file's name is the connection's name and the first part of its address: office.yaml listens on /hooks/office.
        adapter: my-pbx
        enabled: false
        tenant: default

        settings:
          # The key of the webhooks' signature. Write references, never the values: env:NAME or file:PATH.
          secret: file:secrets/my-pbx-secret

          # An extra segment of the address that only the provider knows. openssl rand -hex 16 makes a good one.
          # url_token: file:secrets/my-pbx-url-token

        """##

    /// `Tests/AdapterTests/MyPbx/MyPbxAdapterTests.swift`.
    // swift-format-ignore
    static let tests = ##"""
        import AdapterConformance
        import Connector
        import Numbering
        import Testing

        @testable import MyPbxAdapter

        @Suite struct MyPbxAdapterTests {
            @Test func `it passes the suite on its cases, with faults`() throws {
                let tests = "/" + #filePath.split(separator: "/").dropLast(3).joined(separator: "/")
                let cases = try CaseFolder.loadAll(below: "\(tests)/Fixtures/my-pbx")
                let report = ConformanceSuite(MyPbxAdapter.self, numbering: WorldNumberingPlan(), faults: FaultPlan()).run(cases)
                #expect(report.passed, "\(report.summary)")
                #expect(!cases.isEmpty)
            }

            @Test(arguments: [("event=dance&call=c-1", "ignored"), ("event=ringing", "undecoded"), ("event=%", "undecoded")])
            func `what it does not know is kept for later`(body: String, expected: String) {
                let raw = RawRecord(
                    id: RawID(bits: 1), connection: ConnectionID("office"), receivedAt: Instant(unixSeconds: 1), body: Array(body.utf8))
                let decoded = MyPbxDecoder().decode(raw)
                #expect(decoded.count == 1)
                switch decoded.first {
                case .ignored?: #expect(expected == "ignored")
                case .undecoded?: #expect(expected == "undecoded")
                default: Issue.record("\(decoded)")
                }
            }
        }

        """##

    /// `Tests/Fixtures/my-pbx/inbound-answered/requests.json`.
    // swift-format-ignore
    static let answered = ##"""
        [
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/x-www-form-urlencoded", "X-my-pbx-signature": "10be96cbc30c3818bd102fd39831964a7383b5a29d620cb2dc61f9f746bd81f5"},
          "body": "event=ringing&call=c-1&at=1793603720000&direction=in&from=79000000101&to=101&line=74950000001",
          "received_at": "2026-11-02T07:15:20.300Z"},
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/x-www-form-urlencoded", "X-my-pbx-signature": "c91bdc238310e3fa91430aadf466172fab96100d1e1ea7e1995e4251af8cb8a2"},
          "body": "event=answered&call=c-1&at=1793603727000&direction=in&from=79000000101&to=101&line=74950000001",
          "received_at": "2026-11-02T07:15:27.300Z"},
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/x-www-form-urlencoded", "X-my-pbx-signature": "b948cd42956e5076cf968d4e4343d5fc576de9f0c0dcd398f4bfd234f95d790a"},
          "body": "event=hangup&call=c-1&at=1793603790000&direction=in&from=79000000101&to=101&line=74950000001&reason=normal",
          "received_at": "2026-11-02T07:16:30.300Z"},
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/x-www-form-urlencoded", "X-my-pbx-signature": "48856f0e528a3d8d723c942507bee6c322fbcc71265236f0ec480d9f36818aaf"},
          "body": "event=recorded&call=c-1&at=1793603810000&direction=in&from=79000000101&to=101&line=74950000001&record=r-1",
          "received_at": "2026-11-02T07:16:50.300Z"}
        ]

        """##

    /// `Tests/Fixtures/my-pbx/rejected-requests/requests.json`.
    // swift-format-ignore
    static let rejected = ##"""
        [
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/x-www-form-urlencoded"},
          "body": "event=ringing&call=c-1&at=1793603720000&direction=in&from=79000000101&to=101&line=74950000001",
          "received_at": "2026-11-02T07:15:20.300Z"},
         {"method": "POST", "path": "", "headers": {"Content-Type": "application/x-www-form-urlencoded", "X-my-pbx-signature": "0000000000000000000000000000000000000000000000000000000000000000"},
          "body": "event=ringing&call=c-1&at=1793603720000&direction=in&from=79000000101&to=101&line=74950000001",
          "received_at": "2026-11-02T07:15:20.300Z"}
        ]

        """##
}
