import Connector
import Digests
import Testing

@testable import VendorSimulators

/// The manager interface of the double, byte for byte and moment for moment.
struct AsteriskDoubleTests {
    private func loggedIn(_ change: (inout AsteriskOptions) -> Void = { _ in }, seed: UInt64 = 1) -> AsteriskTalk {
        var options = AsteriskOptions(users: [AsteriskTalk.user])
        change(&options)
        var talk = AsteriskTalk(options, seed: seed)
        talk.logIn()
        return talk
    }

    // MARK: Logging in

    @Test func `it greets with one line, and a login is followed by FullyBooted`() {
        var talk = AsteriskTalk()
        #expect(talk.greeting == "Asterisk Call Manager/11.0.0\r\n")
        let told = talk.act("Login", "Username: gateway", "Secret: hush")
        #expect(told.first == ["Response": "Success", "ActionID": "a1", "Message": "Authentication accepted"])
        #expect(told.last?["event"] == "FullyBooted")
        #expect(told.last?["uptime"] == "86400")
    }

    @Test func `a challenge is answered by its digest with the secret`() throws {
        var talk = AsteriskTalk()
        let challenge = try #require(talk.act("Challenge", "AuthType: MD5").first?["challenge"])
        let key = Digest.hash(challenge + "hush", .md5).hex
        #expect(talk.act("Login", "AuthType: MD5", "Username: gateway", "Key: \(key)").message == "Authentication accepted")
    }

    @Test(arguments: [["Username: gateway", "Secret: no"], ["Username: nobody", "Secret: hush"], ["AuthType: MD5", "Key: 00"]])
    func `a wrong login fails after a second, and the connection ends`(headers: [String]) {
        var talk = AsteriskTalk()
        let told = talk.say(
            (["Action: Login", "ActionID: x"] + headers).map { $0 + "\r\n" }.joined() + "\r\nAction: Ping\r\n\r\n")
        #expect(told.isEmpty)
        #expect(talk.pass(.milliseconds(999)).isEmpty)
        #expect(talk.pass(.milliseconds(1)) == [["Response": "Error", "ActionID": "x", "Message": "Authentication failed"]])
        #expect(talk.isClosed)
    }

    @Test func `before the login nothing is permitted, and who does not log in is closed`() {
        var talk = AsteriskTalk()
        for action in ["CoreStatus", "Ping", "Originate"] { #expect(talk.act(action).message == "Permission denied") }
        talk.pass(.seconds(29))
        #expect(!talk.isClosed)
        talk.pass(.seconds(1))
        #expect(talk.isClosed)
    }

    @Test func `a goodbye is answered, and closes`() {
        var talk = loggedIn()
        #expect(talk.act("Logoff").first?["response"] == "Goodbye")
        #expect(talk.isClosed)
    }

    // MARK: Words

    @Test(arguments: [
        (["NoSuchAction"], "Invalid/unknown command: NoSuchAction. Use Action: ListCommands to show available commands."),
        (["Hangup"], "No channel specified"), (["Hangup", "Channel: PJSIP/none"], "No such channel"),
        (["Originate", "Channel: PJSIP/101"], "Originate with 'Exten' requires 'Context' and 'Priority'"),
        (["Originate"], "Channel not specified"),
        (["Redirect", "Channel: PJSIP/none", "Context: internal", "Exten: 103"], "Channel does not exist: PJSIP/none"),
        (["Redirect", "Channel: ", "Exten: 103"], "Channel not specified"),
        (["BlindTransfer", "Channel: PJSIP/none", "Exten: 103"], "Channel specified does not exist"),
        (["Atxfer", "Channel: PJSIP/none", "Exten: 103"], "Channel specified does not exist"),
        (["MixMonitor", "Channel: PJSIP/none", "File: x.wav"], "No such channel"),
        (["StopMixMonitor", "Channel: PJSIP/none"], "No such channel"),
        (["Command", "Command: core show uptime"], "Permission denied"),
        (
            [
                "Originate", "Channel: PJSIP/101", "Context: c", "Exten: 102", "Priority: 1", "Async: true",
                "Timeout: 5000",
            ], "Originate successfully queued"
        ),
    ])
    func `errors are said in the words that were seen`(words: [String], message: String) {
        var talk = loggedIn()
        let lines = ["Action: \(words[0])"] + words.dropFirst()
        #expect(talk.say(lines.map { $0 + "\r\n" }.joined() + "\r\n").message == message)
    }

    @Test func `an action comes in whatever pieces, and with bare line feeds`() {
        var talk = loggedIn()
        var told: [AsteriskFields] = []
        for byte in "Action: Ping\r\nActionID: p\r\n\r\n" { told += talk.say(String(byte)) }
        #expect(told.map { $0["ping"] } == ["Pong"])
        #expect(talk.say("Action: Ping\n\nAction: Ping\n\n").count == 2)
    }

    @Test func `lines that are too long, and too many, are refused`() {
        var talk = loggedIn()
        let long = "Action: Ping\r\nX: " + String(repeating: "x", count: 1100) + "\r\n\r\n"
        #expect(talk.say(long).message == "Failed to parse message: line too long")
        let many = "Action: Ping\r\n" + String(repeating: "X: y\r\n", count: 130) + "\r\n"
        #expect(talk.say(many).message == "Too many lines in message or allocation failure")
        #expect(talk.act("Ping").first?["ping"] == "Pong")
    }

    @Test func `who may only read calls is refused what he may not do, and hears nothing else`() {
        var talk = loggedIn {
            $0.users[0].read = ["call"]
            $0.users[0].write = []
        }
        #expect(talk.heard.events == [])
        for action in ["Originate", "Hangup", "CoreShowChannels"] { #expect(talk.act(action).message == "Permission denied") }
        #expect(talk.act("Ping").first?["ping"] == "Pong")
        talk.begin(.inboundAnswered)
        talk.pass(.seconds(100))
        #expect(!talk.heard.all("Hangup").isEmpty)
        #expect(talk.heard.all("Cdr").isEmpty)
    }

    @Test func `read all brings what the gateway does not need as well, and a mask takes it away`() {
        var talk = loggedIn { $0.users[0].read = ["all"] }
        talk.begin(.inboundMissed)
        talk.pass(.seconds(1))
        #expect(!talk.heard.all("Newexten").isEmpty)
        #expect(talk.act("Events", "EventMask: call,cdr").first?["events"] == "On")
        talk.begin(.inboundMissed, seed: 9)
        #expect(talk.pass(.seconds(60)).all("Newexten").isEmpty)
        #expect(talk.act("Events", "EventMask: off").first?["events"] == "Off")
        talk.begin(.inboundMissed, seed: 10)
        #expect(talk.pass(.seconds(60)).isEmpty)
    }

    // MARK: Lists

    @Test func `lists tell of live legs, and end with their number`() {
        var talk = loggedIn()
        talk.begin(.inboundAnswered)
        talk.pass(.seconds(5))
        let channels = talk.act("CoreShowChannels")
        #expect(channels.first?["eventlist"] == "start")
        #expect(channels.events == ["CoreShowChannel", "CoreShowChannel", "CoreShowChannelsComplete"])
        #expect(channels.last?["listitems"] == "2")
        #expect(Set(channels.all("CoreShowChannel").map { $0["bridgeid"] }).count == 1)
        #expect(channels.all("CoreShowChannel")[0]["duration"] == "00:00:05")
        let status = talk.act("Status", "Channel: \(talk.channel("trunk"))")
        #expect(status.all("Status").count == 1)
        #expect(status.all("Status")[0].items.last?.name == "ActionID")
        #expect(talk.act("QueueStatus").events.last == "QueueStatusComplete")
        #expect(talk.act("BridgeList").all("BridgeListItem").count == 1)
        #expect(talk.act("CoreStatus").first?["corecurrentcalls"] == "2")
        #expect(talk.act("CoreSettings").first?["amiversion"] == "11.0.0")
        #expect(talk.act("Getvar", "Channel: \(talk.channel("trunk"))", "Variable: CDR(billsec)").first?["value"] == "2")
    }

    // MARK: Calls

    @Test func `an answered call is told in the order of an answered call`() throws {
        var talk = loggedIn()
        talk.begin(.inboundAnswered)
        talk.pass(.seconds(100))
        let told = talk.heard.events.filter { !["FullyBooted", "Cdr"].contains($0) }
        #expect(
            Array(told.prefix(11)) == [
                "Newchannel", "Newchannel", "DialBegin", "Newstate", "DialState", "Newstate", "DialEnd", "Newstate",
                "BridgeCreate",
                "BridgeEnter", "BridgeEnter",
            ])
        #expect(told.filter { $0 == "Hangup" }.count == 2)
        #expect(Set(talk.heard.all("Hangup").map { $0["linkedid"] }).count == 1)
        let truth = try #require(talk.double.takeTruths().first)
        #expect(truth.direction == .inbound)
        #expect(truth.disposition == .answered)
        #expect(truth.employees.count == 1)
        #expect(truth.answeredAt?.milliseconds(since: truth.startedAt) == 3000)
    }

    @Test(arguments: AsteriskDouble.scenarios)
    func `whatever is played, every leg ends once, every bridge is left, and there is one truth`(scenario: Scenario) {
        for seed in UInt64(0)..<40 {
            var talk = loggedIn(seed: seed)
            talk.begin(scenario, seed: seed)
            talk.pass(.seconds(400))
            let begun = talk.heard.all("Newchannel").map { $0["uniqueid"] }
            #expect(
                begun.sorted { $0 ?? "" < $1 ?? "" }
                    == talk.heard.all("Hangup").map { $0["uniqueid"] }.sorted { $0 ?? "" < $1 ?? "" })
            #expect(talk.heard.all("BridgeEnter").count == talk.heard.all("BridgeLeave").count)
            #expect(talk.heard.all("BridgeCreate").count == talk.heard.all("BridgeDestroy").count)
            #expect(talk.legs().isEmpty)
            #expect(talk.double.exchange.bridges.isEmpty)
            #expect(talk.double.takeTruths().count == 1)
        }
    }

    @Test(arguments: [
        (Scenario.inboundMissed, Direction.inbound, Call.Disposition.missed, 1), (.group, .inbound, .answered, 1),
        (.outboundAnswered, .outbound, .answered, 1), (.outboundBusy, .outbound, .busy, 1),
        (.blindTransfer, .inbound, .answered, 2), (.attendedTransfer, .inbound, .answered, 2),
    ])
    func `the truth says how it came out and who talked`(
        scenario: Scenario, direction: Direction, disposition: Call.Disposition, employees: Int
    ) throws {
        var talk = loggedIn()
        talk.begin(scenario, seed: 3)
        talk.pass(.seconds(400))
        let truth = try #require(talk.double.takeTruths().first)
        #expect(truth.direction == direction)
        #expect(truth.disposition == disposition)
        #expect(truth.employees.count == employees)
    }

    @Test func `of a ring group one answers, and the others are told so`() {
        var talk = loggedIn()
        talk.begin(.group)
        talk.pass(.seconds(4))
        #expect(talk.heard.all("DialEnd").map { $0["dialstatus"] } == ["CANCEL", "CANCEL", "ANSWER"])
        #expect(talk.heard.all("Hangup").map { $0["cause"] } == ["26", "26"])
    }

    @Test func `hanging up ends a talk without anybody's request`() throws {
        var talk = loggedIn()
        talk.begin(.inboundAnswered)
        talk.pass(.seconds(5))
        let told = talk.act("Hangup", "Channel: \(talk.channel("trunk"))", "Cause: 16")
        #expect(told.message == "Channel Hungup")
        #expect(told.events.contains("SoftHangupRequest"))
        #expect(!told.events.contains("HangupRequest"))
        #expect(told.all("Hangup").count == 2)
        let truth = try #require(talk.double.takeTruths().first)
        #expect(truth.endedAt == talk.now)
        // What the people had meant to do is void.
        #expect(talk.pass(.seconds(100)).isEmpty)
    }

    // MARK: Ordered calls

    private let order = [
        "Channel: PJSIP/102", "Context: internal", "Priority: 1", "Timeout: 20000", "Async: true", "ChannelId: crm-1",
        "CallerID: \"Ivan\" <+79000000065>", "Variable: __CRM_CALL=7",
    ]

    private func originate(_ talk: inout AsteriskTalk, _ exten: String, channel: String = "PJSIP/102") -> [AsteriskFields] {
        let lines = ["Action: Originate", "ActionID: o", "Exten: \(exten)"] + order.dropFirst() + ["Channel: \(channel)"]
        return talk.say(lines.map { $0 + "\r\n" }.joined() + "\r\n")
    }

    @Test func `an ordered call rings the employee first, and then the customer`() throws {
        var talk = loggedIn()
        let told = originate(&talk, "+79000000065")
        #expect(told.message == "Originate successfully queued")
        let ringing = try #require(told.all("DialBegin").first)
        #expect(ringing["channel"] == nil)
        #expect(ringing["destuniqueid"] == "crm-1")
        #expect(ringing["destcalleridnum"] == "+79000000065")
        talk.pass(.seconds(1))
        let response = try #require(talk.heard.all("OriginateResponse").first)
        #expect(response["actionid"] == "o")
        #expect(response["response"] == "Success")
        #expect(response["reason"] == "4")
        #expect(response["uniqueid"] == "crm-1")
        #expect(talk.act("Getvar", "Channel: \(talk.channel("102"))", "Variable: CRM_CALL").first?["value"] == "7")
        talk.pass(.seconds(100))
        #expect(Set(talk.heard.all("Hangup").map { $0["linkedid"] }) == ["crm-1"])
        let truth = try #require(talk.double.takeTruths().first)
        #expect(truth.call == "crm-1")
        #expect(truth.direction == .outbound)
        #expect(truth.employees == ["102"])
        #expect(truth.number == "79000000065")
        #expect(truth.answeredAt?.milliseconds(since: truth.startedAt) == 4000)
    }

    @Test(arguments: [
        ("PJSIP/119", "3"), ("PJSIP/117", "5"), ("PJSIP/none", "0"), ("Foo/101", "0"),
    ])
    func `an employee who does not answer is told with his reason`(channel: String, reason: String) throws {
        var talk = loggedIn()
        _ = originate(&talk, "+79000000065", channel: channel)
        talk.pass(.seconds(60))
        let response = try #require(talk.heard.all("OriginateResponse").first)
        #expect(response["response"] == "Failure")
        #expect(response["reason"] == reason)
        #expect(response["uniqueid"] == "<unknown>")
        #expect(talk.legs().isEmpty)
    }

    @Test(arguments: [("+79000000017", Call.Disposition.busy, "17"), ("+79000000019", .noAnswer, "16")])
    func `a customer who is not reached makes no less of the order`(
        number: String, disposition: Call.Disposition, cause: String
    ) throws {
        var talk = loggedIn()
        _ = originate(&talk, number)
        talk.pass(.seconds(100))
        #expect(talk.heard.all("OriginateResponse").first?["response"] == "Success")
        #expect(talk.heard.all("Hangup").last?["cause"] == cause)
        #expect(try #require(talk.double.takeTruths().first).disposition == disposition)
    }

    @Test func `an order that is waited for holds up what comes behind it`() {
        var talk = loggedIn()
        let told = talk.say(
            "Action: Originate\r\nChannel: PJSIP/119\r\nContext: i\r\nExten: 102\r\nPriority: 1\r\nTimeout: 1000\r\n\r\nAction: Ping\r\n\r\n"
        )
        #expect(told.message == nil)
        let later = talk.pass(.seconds(1)).filter { $0["response"] != nil }
        #expect(later.map { $0["response"] } == ["Error", "Success"])
        #expect(later.first?["message"] == "Originate failed")
    }

    // MARK: Passing on

    @Test func `a redirected customer leaves the employee, without a word of transfer`() throws {
        var talk = loggedIn()
        talk.begin(.inboundAnswered, seed: 3)
        talk.pass(.seconds(5))
        let told = talk.act("Redirect", "Channel: \(talk.channel("trunk"))", "Context: internal", "Exten: 109", "Priority: 1")
        #expect(told.message == "Redirect successful")
        #expect(told.all("BlindTransfer").isEmpty)
        #expect(told.all("Hangup").count == 1)
        talk.pass(.seconds(4))
        #expect(Set(talk.legs().map(\.endpoint)) == ["trunk", "109"])
        talk.pass(.seconds(200))
        #expect(try #require(talk.double.takeTruths().first).employees.last == "109")
    }

    @Test func `a blind transfer is told when it is accepted`() throws {
        var talk = loggedIn()
        talk.begin(.inboundAnswered, seed: 3)
        talk.pass(.seconds(5))
        let employee = try #require(talk.legs().first { $0.isPhone })
        let told = talk.act("BlindTransfer", "Channel: \(employee.name)", "Context: internal", "Exten: 109")
        #expect(told.message == "Transfer succeeded")
        let event = try #require(told.all("BlindTransfer").first)
        #expect(event["transfereruniqueid"] == employee.id)
        #expect(event["extension"] == "109")
        #expect(event["isexternal"] == "Yes")
        talk.pass(.seconds(200))
        #expect(try #require(talk.double.takeTruths().first).employees == [employee.endpoint, "109"])
    }

    @Test func `an attended transfer asks through a Local channel, and ends by the employee's hangup`() throws {
        var talk = loggedIn()
        talk.begin(.inboundAnswered, seed: 3)
        talk.pass(.seconds(5))
        let employee = try #require(talk.legs().first { $0.isPhone })
        #expect(
            talk.act("Atxfer", "Channel: \(employee.name)", "Context: internal", "Exten: 109").message
                == "Atxfer successfully queued")
        #expect(talk.heard.all("LocalBridge").count == 1)
        #expect(talk.heard.all("MusicOnHoldStart").count == 1)
        talk.pass(.seconds(9))
        let event = try #require(talk.heard.all("AttendedTransfer").first)
        #expect(event["origtransferchannel"] == nil)
        #expect(event["origtransfererchannel"] == employee.name)
        #expect(Set(talk.legs().map(\.endpoint)) == ["trunk", "109"])
        #expect(talk.double.exchange.bridges.count == 1)
        talk.pass(.seconds(200))
        #expect(try #require(talk.double.takeTruths().first).employees == [employee.endpoint, "109"])
    }

    @Test(arguments: [true, false])
    func `a question that is taken back, or not answered, gives the customer back`(isCancelled: Bool) throws {
        var talk = loggedIn()
        talk.begin(.inboundAnswered, seed: 3)
        talk.pass(.seconds(5))
        let employee = try #require(talk.legs().first { $0.isPhone })
        talk.act("Atxfer", "Channel: \(employee.name)", "Context: internal", "Exten: \(isCancelled ? "109" : "119")")
        if isCancelled { talk.act("CancelAtxfer", "Channel: \(employee.name)") } else { talk.pass(.seconds(8)) }
        #expect(Set(talk.legs().map(\.endpoint)) == ["trunk", employee.endpoint])
        #expect(Set(talk.legs().map(\.bridge)).count == 1)
        #expect(talk.heard.all("AttendedTransfer").isEmpty)
    }

    @Test func `a customer who hangs up while somebody is asked ends it all`() {
        var talk = loggedIn()
        talk.begin(.inboundAnswered, seed: 3)
        talk.pass(.seconds(5))
        talk.act("Atxfer", "Channel: \(talk.legs().first { $0.isPhone }?.name ?? "")", "Context: internal", "Exten: 109")
        talk.pass(.seconds(4))
        talk.act("Hangup", "Channel: \(talk.channel("trunk"))")
        #expect(talk.legs().isEmpty)
        #expect(talk.double.exchange.bridges.isEmpty)
        #expect(talk.double.takeTruths().count == 1)
    }

    // MARK: Recordings and tones

    @Test func `a recording is begun, muted and ended, and the truth names it`() throws {
        var talk = loggedIn { $0.users[0].write.insert("system") }
        talk.begin(.inboundAnswered)
        talk.pass(.seconds(5))
        let channel = "Channel: \(talk.channel("trunk"))"
        let begun = talk.act("MixMonitor", channel, "File: one.wav", "Options: b")
        #expect(begun.first?["mixmonitorid"]?.hasPrefix("0x") == true)
        #expect(begun.events == ["MixMonitorStart"])
        #expect(talk.act("MixMonitorMute", channel, "Direction: both", "State: 1").events == ["MixMonitorMute"])
        #expect(talk.act("StopMixMonitor", channel).events == ["MixMonitorStop"])
        #expect(talk.act("StopMixMonitor", channel).message == "Could not stop monitoring channel")
        talk.pass(.seconds(100))
        #expect(try #require(talk.double.takeTruths().first).recordings == ["one.wav"])
    }

    @Test func `a tone is played`() {
        var talk = loggedIn()
        talk.begin(.inboundAnswered)
        talk.pass(.seconds(5))
        let told = talk.act("PlayDTMF", "Channel: \(talk.channel("trunk"))", "Digit: 5", "Duration: 120")
        #expect(told.events == ["DTMFBegin", "DTMFEnd"])
        #expect(told.last?["durationms"] == "120")
    }

    // MARK: Faults

    @Test func `a restart says so, ends the calls, refuses for a while, and is young afterwards`() {
        var talk = loggedIn { $0.faults.restartsAfter = .seconds(60) }
        talk.pass(.seconds(55))
        talk.begin(.inboundMissed)
        let told = talk.pass(.seconds(5))
        #expect(told.all("SoftHangupRequest").allSatisfy { $0["cause"] == "4" })
        #expect(told.all("Hangup").count == 2)
        #expect(
            told.last == [
                "Event": "Shutdown", "Privilege": "system,all", "Timestamp": talk.now.asteriskStamp, "Shutdown": "Cleanly",
                "Restart": "True",
            ])
        #expect(talk.isClosed)
        let isTaken = talk.connect()
        #expect(!isTaken)
        talk.pass(.seconds(5))
        let isTakenAgain = talk.connect()
        #expect(isTakenAgain)
        talk.logIn()
        #expect(talk.heard.last?["uptime"] == "2")
        #expect(talk.act("CoreShowChannels").last?["listitems"] == "0")
    }

    @Test func `a crash says nothing, and its calls are over`() throws {
        var talk = loggedIn { $0.faults.crashesAfter = .seconds(60) }
        talk.pass(.seconds(50))
        talk.begin(.inboundAnswered)
        let told = talk.pass(.seconds(10))
        #expect(told.all("Hangup").isEmpty)
        #expect(told.all("Shutdown").isEmpty)
        #expect(talk.isClosed)
        #expect(try #require(talk.double.takeTruths().first).endedAt == talk.now)
    }

    @Test func `what is late is late, and what is lost is lost for good`() {
        var late = AsteriskTalk(
            {
                var options = AsteriskOptions(users: [AsteriskTalk.user])
                options.faults.delay = .seconds(2)
                return options
            }())
        #expect(late.greeting.isEmpty)
        late.logIn()
        #expect(late.heard.isEmpty)
        #expect(late.pass(.seconds(2)).message == "Authentication accepted")
        var deaf = loggedIn { $0.faults.lostShare = 1 }
        deaf.begin(.inboundAnswered)
        deaf.pass(.seconds(100))
        #expect(deaf.heard.events == ["FullyBooted"])
        #expect(deaf.double.takeTruths().count == 1)
    }

    @Test func `a silent connection is taken, and never hears anything`() {
        var options = AsteriskOptions(users: [AsteriskTalk.user])
        options.faults.silentShare = 1
        var talk = AsteriskTalk(options)
        talk.logIn()
        talk.pass(.seconds(10))
        #expect(talk.greeting.isEmpty)
        #expect(talk.heard.isEmpty)
    }

    @Test func `the same seed tells the same, another something else`() {
        func story(_ seed: UInt64) -> [AsteriskFields] {
            var talk = loggedIn({ $0.faults.lostShare = 0.2 }, seed: seed)
            talk.begin(.group)
            talk.pass(.seconds(100))
            return talk.heard
        }
        #expect(story(4) == story(4))
        #expect(story(4) != story(5))
    }

    @Test func `whatever a client sends, there is no trap`() {
        var chance = UInt64(88)
        var talk = loggedIn()
        for _ in 0..<4000 {
            chance = chance &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
            let words = [
                "Action: ", "Originate", "Hangup", "Channel: PJSIP/101", "\r\n", "\n", "\r\n\r\n", ": ", "\0", "Exten: 1",
                "Redirect", "Async: true",
            ]
            talk.say(words[Int(chance >> 33) % words.count])
            if chance >> 60 == 0 { talk.pass(.milliseconds(100)) }
        }
        talk.say("\r\n\r\n")
        // An order that is waited for may hold the answer up.
        talk.act("Ping")
        talk.pass(.seconds(60))
        #expect(talk.heard.contains { $0["ping"] == "Pong" } || talk.isClosed)
    }

    // MARK: Recorded streams

    private let stream =
        "Asterisk Call Manager/11.0.0\r\nResponse: Success\r\nActionID: x\r\nMessage: Authentication accepted\r\n\r\n"
        + "Event: FullyBooted\r\nPrivilege: system,all\r\n\r\n"
        + "Event: Newchannel\r\nPrivilege: call,all\r\nUniqueid: 1.1\r\n\r\nEvent: Hangup\r\nPrivilege: call,all\r\nUniqueid: 1.1\r\n\r\n"

    @Test func `a recorded stream comes in its pieces, each at its time`() throws {
        let trace = try #require(AsteriskTrace(Array(stream.utf8), arrivals: "byte_offset\tseconds\n0\t0.5\n30\t1\n", speed: 2))
        #expect(trace.pieces.map(\.at) == [.milliseconds(250), .milliseconds(500)])
        #expect(trace.pieces[0].bytes == Array("Asterisk Call Manager/11.0.0\r\n".utf8))
        #expect(trace.pieces.flatMap(\.bytes) == Array(stream.utf8))
    }

    @Test(arguments: ["0\t1\n9999\t2\n", "0\t1\n20\t2\n10\t3\n", "5\t1\n", "0\tx\n", "0\t1\nodd\n"])
    func `a table that does not fit is none`(arrivals: String) {
        #expect(AsteriskTrace(Array(stream.utf8), arrivals: arrivals) == nil)
    }

    @Test func `its events are played to whoever is logged in, and nothing of another's login`() throws {
        var talk = loggedIn()
        let last = stream.utf8.count - 20
        let trace = try #require(AsteriskTrace(Array(stream.utf8), arrivals: "0\t0\n\(last)\t3\n"))
        talk.double.replay(trace, at: talk.now)
        #expect(talk.pass(.seconds(2)).events == ["Newchannel"])
        #expect(talk.pass(.seconds(1)).events == ["Hangup"])
    }
}
