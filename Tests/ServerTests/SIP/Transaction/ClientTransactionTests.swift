import NetworkTypes
import Testing

@testable import SIP

/// Requests of ours, state by state (RFC 3261 §17.1, RFC 6026 §7.2): milliseconds, and what came out.
struct ClientTransactionTests {
    @Test(arguments: invite) func `an INVITE of ours`(_ story: TransactionStory) throws { try story.check() }

    @Test(arguments: cancel) func `an INVITE that is taken back`(_ story: TransactionStory) throws { try story.check() }

    @Test(arguments: other) func `another request of ours`(_ story: TransactionStory) throws { try story.check() }

    private static let invite = [
        TransactionStory(
            "nobody answers (A, B)", [.begin("INVITE"), .wait(40_000)],
            [
                "0 send INVITE", "500 send INVITE", "1500 send INVITE", "3500 send INVITE", "7500 send INVITE",
                "15500 send INVITE",
                "31500 send INVITE", "32000 failed 7 timeout", "32000 ended 7",
            ]),
        TransactionStory(
            "nobody answers (B)", over: .tcp, [.begin("INVITE"), .wait(40_000)],
            ["0 send INVITE", "32000 failed 7 timeout", "32000 ended 7"]),
        TransactionStory(
            "a provisional answer stops A and B",
            [.begin("INVITE"), .wait(600), .answer(100), .wait(100), .answer(180), .wait(300_000)],
            isOpen: true, ["0 send INVITE", "500 send INVITE", "600 response 100 7", "700 response 180 7"]),
        TransactionStory(
            "a 200 comes again (M)",
            [.begin("INVITE"), .answer(180), .answer(200), .wait(500), .answer(200), .wait(31_500), .answer(200)],
            [
                "0 send INVITE", "0 response 180 7", "0 response 200 7", "500 response 200 7", "32000 ended 7", "32000 stray 200",
            ]),
        TransactionStory(
            "a 200 without anything before it", over: .tcp, [.begin("INVITE"), .answer(200), .wait(32_000)],
            ["0 send INVITE", "0 response 200 7", "32000 ended 7"]),
        TransactionStory(
            "what comes behind a 200 is none of its own",
            [.begin("INVITE"), .answer(200), .answer(180), .answer(486), .wait(32_000)],
            ["0 send INVITE", "0 response 200 7", "32000 ended 7"]),
        TransactionStory(
            "a refusal gets its ACK each time it comes (D)",
            [.begin("INVITE"), .answer(486), .wait(500), .answer(486), .answer(180), .answer(200), .wait(40_000), .answer(486)],
            ["0 send INVITE", "0 send ACK", "0 response 486 7", "500 send ACK", "32000 ended 7"]),
        TransactionStory(
            "a refusal over a stream is done at once", over: .tcp, [.begin("INVITE"), .answer(180), .answer(503)],
            ["0 send INVITE", "0 response 180 7", "0 send ACK", "0 response 503 7", "0 ended 7"]),
        TransactionStory(
            "the way is broken", [.begin("INVITE"), .breakDown],
            ["0 send INVITE", "0 failed 7 transport", "0 ended 7"]),
        TransactionStory(
            "the way breaks while it rings", over: .tcp, [.begin("INVITE"), .answer(180), .breakDown, .answer(200)],
            ["0 send INVITE", "0 response 180 7", "0 failed 7 transport", "0 ended 7", "0 stray 200"]),
        TransactionStory(
            "the way breaks behind the 200", over: .tcp, [.begin("INVITE"), .answer(200), .breakDown, .wait(32_000)],
            ["0 send INVITE", "0 response 200 7", "32000 ended 7"]),
        TransactionStory(
            "one that nobody needs ends in time",
            [.begin("INVITE"), .answer(180), .wait(1000), .hurry, .answer(180), .wait(40_000)],
            ["0 send INVITE", "0 response 180 7", "1000 response 180 7", "33000 failed 7 timeout", "33000 ended 7"]),
        TransactionStory(
            "one that nobody needs gets its 100 after that", over: .tcp,
            [.begin("INVITE"), .hurry, .wait(1000), .answer(100), .wait(40_000)],
            ["0 send INVITE", "1000 response 100 7", "32000 failed 7 timeout", "32000 ended 7"]),
    ]

    private static let cancel = [
        TransactionStory(
            "while it rings",
            [
                .begin("INVITE"), .answer(180), .cancel, .cancel, .answer(200, to: "CANCEL"), .wait(1000), .answer(487),
                .wait(32_000),
            ],
            ["0 send INVITE", "0 response 180 7", "0 send CANCEL", "1000 send ACK", "1000 response 487 7", "33000 ended 7"]),
        TransactionStory(
            "before anything came", [.begin("INVITE"), .cancel, .wait(600), .answer(100), .answer(487), .wait(40_000)],
            [
                "0 send INVITE", "500 send INVITE", "600 send CANCEL", "600 response 100 7", "600 send ACK", "600 response 487 7",
                "32600 ended 7",
            ]),
        TransactionStory(
            "and nothing ever comes", over: .tcp, [.begin("INVITE"), .cancel, .wait(32_000)],
            ["0 send INVITE", "32000 failed 7 timeout", "32000 ended 7"]),
        TransactionStory(
            "and is refused before that", [.begin("INVITE"), .cancel, .answer(486), .wait(32_000)],
            ["0 send INVITE", "0 send ACK", "0 response 486 7", "32000 ended 7"]),
        TransactionStory(
            "against a 200", [.begin("INVITE"), .answer(180), .cancel, .answer(200), .answer(481, to: "CANCEL"), .wait(32_000)],
            ["0 send INVITE", "0 response 180 7", "0 send CANCEL", "0 response 200 7", "32000 ended 7"]),
        TransactionStory(
            "which is too late", [.begin("INVITE"), .answer(200), .cancel, .wait(32_000)],
            ["0 send INVITE", "0 response 200 7", "32000 ended 7"]),
        TransactionStory(
            "and neither is answered", [.begin("INVITE"), .answer(180), .cancel, .wait(8_000), .answer(180), .wait(40_000)],
            [
                "0 send INVITE", "0 response 180 7", "0 send CANCEL", "500 send CANCEL", "1500 send CANCEL", "3500 send CANCEL",
                "7500 send CANCEL", "8000 response 180 7", "11500 send CANCEL", "15500 send CANCEL", "19500 send CANCEL",
                "23500 send CANCEL", "27500 send CANCEL", "31500 send CANCEL", "32000 failed 7 timeout", "32000 ended 7",
            ]),
        TransactionStory(
            "and only that is answered", over: .tcp,
            [.begin("INVITE"), .answer(180), .cancel, .answer(200, to: "CANCEL"), .wait(32_000)],
            ["0 send INVITE", "0 response 180 7", "0 send CANCEL", "32000 failed 7 timeout", "32000 ended 7"]),
        TransactionStory(
            "of another request there is no CANCEL", over: .tcp, [.begin("BYE"), .answer(100), .cancel, .wait(32_000)],
            ["0 send BYE", "0 response 100 7", "32000 failed 7 timeout", "32000 ended 7"]),
    ]

    private static let other = [
        TransactionStory(
            "nobody answers (E, F)", [.begin("BYE"), .wait(40_000)],
            [0, 500, 1500, 3500, 7500, 11500, 15500, 19500, 23500, 27500, 31500].map { "\($0) send BYE" } + [
                "32000 failed 7 timeout", "32000 ended 7",
            ]),
        TransactionStory(
            "nobody answers (F)", over: .tcp, [.begin("BYE"), .wait(40_000)],
            ["0 send BYE", "32000 failed 7 timeout", "32000 ended 7"]),
        TransactionStory(
            "a provisional answer makes it slow", [.begin("BYE"), .wait(600), .answer(100), .wait(40_000)],
            ["0 send BYE", "500 send BYE", "600 response 100 7", "1500 send BYE"]
                + [5500, 9500, 13500, 17500, 21500, 25500, 29500].map { "\($0) send BYE" } + [
                    "32000 failed 7 timeout", "32000 ended 7",
                ]),
        TransactionStory(
            "an answer that comes again is no news (K)",
            [.begin("BYE"), .answer(200), .wait(500), .answer(200), .answer(481), .wait(5000)],
            ["0 send BYE", "0 response 200 7", "5000 ended 7"]),
        TransactionStory(
            "an answer over a stream is the end", over: .tcp, [.begin("OPTIONS"), .answer(100), .answer(404)],
            ["0 send OPTIONS", "0 response 100 7", "0 response 404 7", "0 ended 7"]),
        TransactionStory(
            "the way is broken", [.begin("OPTIONS"), .breakDown], ["0 send OPTIONS", "0 failed 7 transport", "0 ended 7"]),
        TransactionStory(
            "the way breaks behind the answer", [.begin("OPTIONS"), .answer(200), .breakDown, .wait(5000)],
            ["0 send OPTIONS", "0 response 200 7", "5000 ended 7"]),
        TransactionStory(
            "a late answer to one that is gone", over: .tcp, [.begin("OPTIONS"), .answer(200), .answer(200)],
            ["0 send OPTIONS", "0 response 200 7", "0 ended 7"]),
    ]
}
