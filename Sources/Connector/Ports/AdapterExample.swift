/// What a connection's file says should become of some requests: a test that the operator wrote down beside the mapping.
package struct AdapterExample: Sendable {
    /// A field of the record, and what should stand there.
    package struct Expectation: Sendable, Equatable {
        /// Names, and places in lists from 0, with dots between them: `legs.0.result`.
        package var path: String
        /// A text or number as JSON writes it, without quotes; nil for `null`.
        package var value: String?
        package var place: SettingTree.Place

        package init(path: String, value: String?, place: SettingTree.Place) {
            self.path = path
            self.value = value
            self.place = place
        }
    }

    package var name: String
    package var place: SettingTree.Place
    /// One call's, in the order of their arrival; `connection` and identifiers are the gateway's to fill in.
    package var requests: [RawRecord]
    package var expectations: [Expectation]

    package init(name: String, place: SettingTree.Place, requests: [RawRecord], expectations: [Expectation]) {
        self.name = name
        self.place = place
        self.requests = requests
        self.expectations = expectations
    }
}
