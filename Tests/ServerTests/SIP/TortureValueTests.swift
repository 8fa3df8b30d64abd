import SIP
import Testing

/// What the torture set's `checks` say of the message itself.
@Suite struct TortureValueTests {
    @Test func `wsinv is read through all its white space and folds`() throws {
        let message = try TortureCase.message("wsinv")
        #expect(message.vias.map(\.transport.text) == ["UDP", "TCP", "UDP"])
        #expect(message.vias.map(\.host.text) == ["192.0.2.2", "spindle.example.com", "192.168.255.111"])
        #expect(message.vias.map { $0.branch?.text } == ["390skdjuw", "z9hG4bK9ikj8", "z9hG4bK30239"])
        #expect(message.vias.map(\.hasMagicCookie) == [false, true, true])
        #expect(try message.from().displayName?.text == #"J Rosenberg \""#)
        #expect(message.fromTag?.text == "98asjd8")
        #expect(message.toTag?.text == "1918181833n")
        #expect(message.cseq == 9)
        #expect(message.maxForwards == 68)
        #expect(message.value(.subject)?.isEmpty == true)
        #expect(message.value(ofOther: "unknownheaderwithunusualvalue")?.text == ";;,,;;,;")
        #expect(
            message.value(ofOther: "newfangledheader").map(QuotedText.unfolded)?.text
                == "newfangled value continued newfangled value")
        let contact = try #require(try message.addresses(.contact).first)
        #expect(contact.displayName?.text == #"Quoted string """#)
        #expect(contact.parameters["newparam"]?.text == "newvalue")
        #expect(contact.parameters["q"]?.text == "0.33")
        #expect(contact.parameters.first("secondparam")?.writtenValue == nil)
        #expect(contact.parameters.all.count == 3)
        let route = try #require(try message.addresses(.route).first)
        #expect(route.uri.hasParameter("lr") && route.parameters.all.isEmpty)
        #expect(route.uri.parameter("unknownwith")?.text == "value")
        #expect(message.body.count == 150)
    }

    @Test func `intmeth keeps every token character and the quoted NUL`() throws {
        let message = try TortureCase.message("intmeth")
        #expect(message.method == .other)
        #expect(message.fromTag?.text == "_token~1'+`*%!-.")
        #expect(message.callID.text == #"intmeth.word%ZK-!.*_+'@word`~)(><:\/"][?}{"#)
        #expect(try message.to().displayName == Array("BEL:\u{7} NUL:\0 DEL:\u{7F}".utf8))
        #expect(try message.from().displayName?.text == "token1~` token2'+_ token3*%!.-")
        #expect(message.requestURI?.host.text == "example.com")
        #expect(message.maxForwards == 255)
    }

    @Test func `escapes never change how a URI splits`() throws {
        let message = try TortureCase.message("esc01")
        let target = try #require(message.requestURI)
        #expect(target.scheme == .sip && target.user?.text == "sips:user@example.com" && target.host.text == "example.net")
        #expect(try message.to().uri.user?.text == "user")
        #expect(try message.from().uri.user?.text == "I have spaces")
        let contact = try #require(try message.addresses(.contact).first?.uri)
        #expect(contact.user?.text == "caller" && contact.hasParameter("lr"))
        #expect(contact.parameter("name")?.text == "value%41")
    }

    @Test func `nothing is cut at an escaped NUL`() throws {
        let message = try TortureCase.message("escnull")
        let contacts = try message.addresses(.contact)
        #expect(contacts.map { $0.uri.user } == [[0], [0, 0]])
        #expect(!contacts[0].uri.isEquivalent(to: contacts[1].uri))
        #expect(try message.to().uri.user?.count == 11)
    }

    @Test func `a percent sign in a method is no escape`() throws {
        #expect(try TortureCase.message("esc02").method == .other)
        #expect(try TortureCase.message("x_method_lowercase").method == .other)
    }

    @Test func `a semicolon in the user part begins no parameter`() throws {
        let target = try #require(try TortureCase.message("semiuri").requestURI)
        #expect(target.user?.text == "user;par=u@example.net" && target.host.text == "example.com" && target.parameters.isEmpty)
    }

    @Test func `long values and many Vias are ordinary`() throws {
        let message = try TortureCase.message("longreq")
        #expect(message.viaCount == 34 && message.vias.count == 34)
        #expect(try TortureCase.message("transports").vias.map(\.transport.text) == ["UDP", "SCTP", "TLS", "UNKNOWN", "TCP"])
    }

    @Test func `a body is as long as it says, whatever is in it`() throws {
        #expect(try TortureCase.message("mpart01").body.count == 553)
        #expect(try TortureCase.message("mpart01").contentType?.text == "multipart/mixed")
        let old = try TortureCase.message("inv2543")
        #expect(old.body.count > 80 && old.fromTag == nil && !old.topVia.hasMagicCookie)
    }

    @Test(arguments: [("badvers", UInt16(505)), ("unkscm", 416), ("novelsc", 416)])
    func `what is well formed and not served has its status`(_ name: String, _ status: UInt16) throws {
        #expect(try TortureCase.message(name).objection?.answer.status == status)
    }

    @Test func `other schemes in addresses are kept and not read as SIP`() throws {
        let message = try TortureCase.message("unksm2")
        #expect(try message.to().uri.scheme == .other)
        #expect(try message.addresses(.contact).first?.uri.written.text == "name:John_Smith")
        #expect(message.objection == nil)
    }

    @Test func `without angle brackets a parameter is the header's, within them the URI's`() throws {
        let outside = try #require(try TortureCase.message("cparam01").addresses(.contact).first)
        #expect(outside.uri.written.text == "sip:+19725552222@gw1.example.net")
        #expect(outside.parameters.first("unknownparam") != nil)
        let inside = try #require(try TortureCase.message("cparam02").addresses(.contact).first)
        #expect(inside.uri.hasParameter("unknownparam") && inside.parameters.all.isEmpty)
    }

    @Test func `headers of a Contact are kept and not applied`() throws {
        let message = try TortureCase.message("regescrt")
        let uri = try #require(try message.addresses(.contact).first?.uri)
        #expect(uri.headers.first?.name.text == "Route" && uri.headers.first?.value?.text == "<sip:sip.example.com>")
        #expect(!message.has(.route))
        #expect(throws: SIPParseError.self) { try TortureCase.message("regbadct").addresses(.contact) }
    }

    @Test func `IPv6 addresses end at their bracket`() throws {
        let ambiguous = try #require(try TortureCase.message("port-ambiguous").requestURI)
        #expect(ambiguous.host.text == "[2001:db8::10:5070]" && ambiguous.port == nil)
        let plain = try #require(try TortureCase.message("port-unambiguous").requestURI)
        #expect(plain.host.text == "[2001:db8::10]" && plain.port == 5070)
        #expect(try TortureCase.message("via-received-param-with-delim").topVia.received?.text == "[2001:db8::9:255]")
        #expect(try TortureCase.message("via-received-param-no-delim").topVia.received?.text == "2001:db8::9:255")
    }

    @Test func `an escaped line break stays escaped in all that is written`() throws {
        let request = try TortureCase.message("x_uri_escaped_crlf")
        let target = try #require(request.requestURI)
        #expect(target.user?.contains(0x0A) == true)
        var writer = try SIPMessageWriter.request("INVITE", target)
        try writer.address(.to, target)
        #expect(throws: SIPWriteError.self) { try writer.field(.subject, target.user ?? []) }
        let name = try SIPURI.make(user: target.user, host: "example.com")
        #expect(!name.written.contains(0x0A))
        #expect(!(try writer.finish()).text.contains("\r\nX-Evil"))
    }

    @Test func `an overflowing number of seconds is the greatest`() throws {
        #expect(try TortureCase.message("x_expires_overflow").number(.expires) == .max)
        #expect(try TortureCase.message("x_contact_star_no_expires").hasStarContact)
    }

    @Test func `credentials of an unknown scheme are no Digest`() throws {
        let credentials = try #require(try TortureCase.message("regaut01").credentials(.authorization).first)
        #expect(!credentials.isDigest && credentials.parameters.all.isEmpty)
        let digest = try #require(try TortureCase.message("x_auth_huge_nc").credentials(.authorization).first)
        #expect(digest.isDigest && (digest.parameters["nc"]?.count ?? 0) > 8)
    }

    @Test func `lists are parted by commas`() throws {
        #expect(
            try TortureCase.message("bext01").list(.require).map(\.text) == ["nothingSupportsThis", "nothingSupportsThisEither"])
        #expect(try TortureCase.message("semiuri").list(.accept).count == 6)
    }
}
