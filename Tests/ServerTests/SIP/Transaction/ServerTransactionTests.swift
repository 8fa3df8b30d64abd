import NetworkTypes
import Testing

@testable import SIP

/// Requests of the peer, state by state (RFC 3261 §17.2, RFC 6026 §7.1): milliseconds, and what came out.
struct ServerTransactionTests {
    @Test(arguments: invite) func `an INVITE of the peer`(_ story: TransactionStory) throws { try story.check() }

    @Test(arguments: cancel) func `an INVITE that the peer takes back`(_ story: TransactionStory) throws { try story.check() }

    @Test(arguments: other) func `another request of the peer`(_ story: TransactionStory) throws { try story.check() }

    private static let invite = [
        TransactionStory(
            "what takes long gets its 100, once more for each repetition",
            [.ask("INVITE"), .wait(100), .ask("INVITE"), .wait(400), .ask("INVITE"), .wait(300_000)], isOpen: true,
            ["0 request INVITE", "200 send 100 INVITE", "500 send 100 INVITE"]),
        TransactionStory(
            "what rings at once gets none", over: .tcp, [.ask("INVITE"), .respond(180), .wait(1000), .ask("INVITE")],
            isOpen: true,
            ["0 request INVITE", "0 send 180 INVITE", "1000 send 180 INVITE"]),
        TransactionStory(
            "a 200 is its session's to repeat (L)",
            [
                .ask("INVITE"), .respond(200), .wait(500), .ask("INVITE"), .repeatFinal, .acknowledge, .ask("ACK"), .wait(40_000),
                .repeatFinal, .acknowledge,
            ],
            [
                "0 request INVITE", "0 send 200 INVITE", "500 send 200 INVITE", "500 ack", "500 ack", "32000 ended 9",
                "40500 ack",
            ]),
        TransactionStory(
            "behind a 200 nothing else is said", over: .tcp,
            [.ask("INVITE"), .respond(200), .respond(486), .respond(200), .wait(32_000)],
            ["0 request INVITE", "0 send 200 INVITE", "32000 ended 9"]),
        TransactionStory(
            "a refusal that nobody acknowledges (G, H)", [.ask("INVITE"), .respond(486), .wait(40_000)],
            ["0 request INVITE", "0 send 486 INVITE"]
                + [500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500].map { "\($0) send 486 INVITE" }
                + ["32000 failed 9 noACK", "32000 ended 9"]),
        TransactionStory(
            "a refusal over a stream that nobody acknowledges (H)", over: .tcp, [.ask("INVITE"), .respond(486), .wait(40_000)],
            ["0 request INVITE", "0 send 486 INVITE", "32000 failed 9 noACK", "32000 ended 9"]),
        TransactionStory(
            "a refusal that is acknowledged (I)",
            [
                .ask("INVITE"), .respond(180), .respond(486), .wait(100), .ask("INVITE"), .ask("ACK"), .ask("ACK"),
                .ask("INVITE"),
                .wait(5000),
            ],
            [
                "0 request INVITE", "0 send 180 INVITE", "0 send 486 INVITE", "100 send 486 INVITE", "100 acknowledged 9",
                "5100 ended 9",
            ]),
        TransactionStory(
            "a refusal over a stream that is acknowledged", over: .tcp, [.ask("INVITE"), .respond(486), .ask("ACK")],
            ["0 request INVITE", "0 send 486 INVITE", "0 acknowledged 9", "0 ended 9"]),
        TransactionStory(
            "an ACK before the answer means nothing", [.ask("INVITE"), .ask("ACK"), .respond(486), .ask("ACK"), .wait(5000)],
            ["0 request INVITE", "0 send 486 INVITE", "0 acknowledged 9", "5000 ended 9"]),
        TransactionStory(
            "an ACK of nothing is a session's", [.ask("ACK")], ["0 ack"]),
        TransactionStory(
            "one that is passed over in silence", [.ask("INVITE"), .forget, .wait(1000)], ["0 request INVITE", "0 ended 9"]),
        TransactionStory(
            "its connection is gone", over: .tcp, [.ask("INVITE"), .respond(180), .breakDown, .respond(200)],
            ["0 request INVITE", "0 send 180 INVITE", "0 ended 9"]),
        TransactionStory(
            "a datagram that could not be brought changes nothing",
            [.ask("INVITE"), .breakDown, .respond(486), .ask("ACK"), .wait(5000)],
            ["0 request INVITE", "0 send 486 INVITE", "0 acknowledged 9", "5000 ended 9"]),
    ]

    private static let cancel = [
        TransactionStory(
            "while it rings", [.ask("INVITE"), .respond(180), .ask("CANCEL"), .respond(487), .ask("ACK"), .wait(5000)],
            [
                "0 request INVITE", "0 send 180 INVITE", "0 send 200 CANCEL", "0 cancelled 9", "0 send 487 INVITE",
                "0 acknowledged 9",
                "5000 ended 9",
            ]),
        TransactionStory(
            "at once", over: .tcp, [.ask("INVITE"), .ask("CANCEL"), .respond(487), .ask("ACK")],
            ["0 request INVITE", "0 send 200 CANCEL", "0 cancelled 9", "0 send 487 INVITE", "0 acknowledged 9", "0 ended 9"]),
        TransactionStory(
            "against a 200", [.ask("INVITE"), .respond(200), .ask("CANCEL"), .wait(32_000)],
            ["0 request INVITE", "0 send 200 INVITE", "0 send 200 CANCEL", "32000 ended 9"]),
        TransactionStory(
            "against a refusal", over: .tcp, [.ask("INVITE"), .respond(486), .ask("CANCEL"), .ask("ACK")],
            ["0 request INVITE", "0 send 486 INVITE", "0 send 200 CANCEL", "0 acknowledged 9", "0 ended 9"]),
        TransactionStory("which never came", [.ask("CANCEL")], ["0 send 481 CANCEL"]),
        TransactionStory(
            "though it is none", over: .tcp, [.ask("OPTIONS"), .ask("CANCEL"), .respond(200)],
            ["0 request OPTIONS", "0 send 481 CANCEL", "0 send 200 OPTIONS", "0 ended 9"]),
    ]

    private static let other = [
        TransactionStory(
            "repetitions wait for the answer, and get it again (J)",
            [.ask("OPTIONS"), .wait(500), .ask("OPTIONS"), .respond(200), .wait(500), .ask("OPTIONS"), .wait(32_000)],
            ["0 request OPTIONS", "500 send 200 OPTIONS", "1000 send 200 OPTIONS", "32500 ended 9"]),
        TransactionStory(
            "a provisional answer is repeated, too",
            [.ask("OPTIONS"), .respond(100), .ask("OPTIONS"), .respond(200), .respond(404), .wait(32_000)],
            ["0 request OPTIONS", "0 send 100 OPTIONS", "0 send 100 OPTIONS", "0 send 200 OPTIONS", "32000 ended 9"]),
        TransactionStory(
            "an answer over a stream is the end", over: .tcp, [.ask("OPTIONS"), .respond(200)],
            ["0 request OPTIONS", "0 send 200 OPTIONS", "0 ended 9"]),
        TransactionStory(
            "a method that nobody knows", over: .tcp, [.ask("DANCE"), .respond(501)],
            ["0 request DANCE", "0 send 501 DANCE", "0 ended 9"]),
    ]
}
