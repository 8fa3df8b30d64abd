/// Somebody who knows whose number it is: a CRM behind its `lookup_url`, or a stub in the same process.
package protocol ContactLookup: Sendable {
    /// Asks once.
    /// - Throws: `ContactFailure`, at the latest when `deadline` is over.
    func ask(_ query: ContactQuery, within deadline: Duration) async throws(ContactFailure) -> ContactAnswer
}

/// Who calls? The call is named so that the CRM can show it before anybody answers; the answer should depend on the number alone.
package struct ContactQuery: Hashable, Sendable {
    package var tenant: TenantID
    package var connection: ConnectionID
    /// The vendor's slug.
    package var provider: String
    package var number: PhoneNumber
    /// Our number that was called.
    package var line: PhoneNumber?
    /// The provider's name of the call.
    package var call: ExternalKey
    /// How long the call can wait for the answer.
    package var patience: Duration
    /// Nobody calls: somebody tries whether it works.
    package var isTest = false

    package init(
        tenant: TenantID, connection: ConnectionID, provider: String, number: PhoneNumber, line: PhoneNumber? = nil,
        call: ExternalKey, patience: Duration
    ) {
        self.tenant = tenant
        self.connection = connection
        self.provider = provider
        self.number = number
        self.line = line
        self.call = call
        self.patience = patience
    }
}

/// Why the CRM's word is not known. `text` is for the operator: no number, no body, no secret.
package struct ContactFailure: Error, Hashable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable, CaseIterable {
        /// Nobody answered in time.
        case timeout
        /// Nobody is there.
        case unreachable
        /// Another status than 200 and 204.
        case status
        /// The answer leads elsewhere; that is not followed.
        case redirect
        /// The answer is too long, no JSON, or says something else than it should.
        case unreadable
    }

    package var code: Code
    package var text: String

    package init(_ code: Code, _ text: String) {
        self.code = code
        self.text = text
    }

    package var description: String { text }
}
