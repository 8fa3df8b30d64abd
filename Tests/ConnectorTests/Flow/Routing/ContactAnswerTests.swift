import Connector
import TestSupport
import Testing

@Suite struct ContactAnswerTests {
    private func read(_ text: String) throws(ContactFailure) -> ContactAnswer { try ContactAnswer(json: Array(text.utf8)) }

    @Test func `a whole answer is read`() throws {
        let answer = try read(
            #"{"name":"Ромашка, ООО","responsible":{"user_id":"17"},"group":"700","fallback":{"number":"+79000000101"},"reject":false}"#
        )
        #expect(
            answer
                == ContactAnswer(
                    name: "Ромашка, ООО", responsible: .userID("17"), group: "700", fallback: .number("+79000000101")))
    }

    @Test(arguments: ["{}", #"{"name":null,"responsible":null,"reject":false}"#, #"{"name":"  ","deal":{"id":7}}"#])
    func `nothing that we ask for is an unknown number`(text: String) throws {
        #expect(try read(text) == .unknown)
    }

    @Test(arguments: [
        (#"{"responsible":"17"}"#, ContactAnswer.Person.userID("17")), (#"{"responsible":17}"#, .userID("17")),
        (#"{"responsible":{"user_id":17}}"#, .userID("17")), (#"{"responsible":{"extension":"101"}}"#, .extension("101")),
        (#"{"responsible":{"extension":101,"number":"+7900"}}"#, .extension("101")),
        (#"{"responsible":{"user_id":"","extension":null,"number":"+7900"}}"#, .number("+7900")),
    ])
    func `a person is a text or an object`(text: String, person: ContactAnswer.Person) throws {
        #expect(try read(text).responsible == person)
    }

    @Test(arguments: [
        "", "null", "[]", "[{}]", "\"17\"", "{", #"{"name":7}"#, #"{"name":["a"]}"#, #"{"responsible":[]}"#,
        #"{"responsible":{"user_id":{}}}"#, #"{"group":{}}"#, #"{"reject":"yes"}"#, #"{"responsible":"1\n2"}"#,
    ])
    func `what does not fit is a failure that repeats nothing of it`(text: String) {
        let failure = #expect(throws: ContactFailure.self) { try read(text) }
        #expect(failure?.code == .unreadable)
    }

    @Test func `a name becomes one line of bounded length`() throws {
        let long = String(repeating: "я", count: 1000)
        #expect(try read(#"{"name":"\#(long)"}"#).name?.count == 200)
        #expect(try read(#"{"name":"Anna\r\nVia: evil\u0000\u202E  x"}"#).name == "Anna Via: evil x")
        let longWord = String(repeating: "1", count: 65)
        #expect(throws: ContactFailure.self) { try read(#"{"group":"\#(longWord)"}"#) }
    }

    @Test func `random bytes may be refused and do no harm`() throws {
        var chance = SeededRandom(seed: 7)
        let whole = Array(
            #"{"name":"Anna","responsible":{"user_id":"17"},"group":"700","fallback":{"number":"+7900"},"reject":true}"#.utf8)
        var readable = 0
        for _ in 0..<2000 {
            let bytes = chance.mutated(whole, alphabet: Array("{}[]\":,0tn".utf8))
            do {
                _ = try ContactAnswer(json: bytes)
                readable += 1
            } catch {
                #expect(error.code == .unreadable)
            }
        }
        #expect(readable > 0)
    }
}
