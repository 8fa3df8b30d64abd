import AdapterKit
import Testing

struct DialledNumberTests {
    @Test(arguments: [
        ("101", "101"), ("112", "112"), ("79000005678", "79000005678"), ("+79000005678", "79000005678"),
        ("89000005678", "89000005678"),
        ("+390612345678", "390612345678"), ("4950000001", "4950000001"),
    ])
    func `what can be dialled goes out as digits`(text: String, digits: String) {
        #expect(DialledNumber.digits(text) == digits)
    }

    @Test(arguments: [
        "", "+", "1", "++79000005678", "+7900000567", "+790000056789", "790000056789", "1234567890123456", "+123", "+0123456789",
        "8 900 000", "8(900)0005678", "sip:101@x", "10l", "٣٤٥", "101\n",
    ])
    func `what cannot is nil`(text: String) {
        #expect(DialledNumber.digits(text) == nil)
    }
}
