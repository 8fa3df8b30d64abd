/// Asks other people's servers over HTTP: a provider's API, a CRM, a webhook of ours.
///
/// The implementation keeps connections and bounds how many there are to one host; a caller says how long it can wait.
package protocol Outgoing: Sendable {
    /// Sends a request and waits for the whole answer, of whatever status. Cancelling the task ends it.
    /// - Throws: `OutgoingError`.
    func send(_ request: OutgoingRequest) async throws -> OutgoingResponse

    /// Sends a request and hands the body of a 2xx answer to `receiver` as it comes: what is large need not be in memory.
    ///
    /// The answer's own `body` is then empty; of another status it holds the beginning. An answer that is silent for a minute ends.
    /// - Throws: `OutgoingError`; `.receiver` where `receiver` threw.
    func download(_ request: OutgoingRequest, to receiver: any OutgoingReceiver) async throws -> OutgoingResponse
}

/// Takes the body of an answer piece by piece.
package protocol OutgoingReceiver: AnyObject, Sendable {
    /// Takes the next bytes; throwing ends the request. Called in order, on the client's thread: who waits for the disk here lets
    /// the client's other requests wait too.
    func receive(_ bytes: UnsafeRawBufferPointer) throws
}

extension Outgoing {
    /// For clients that know whole bodies only.
    package func download(_ request: OutgoingRequest, to receiver: any OutgoingReceiver) async throws -> OutgoingResponse {
        var response = try await send(request)
        guard (200..<300).contains(response.status) else { return response }
        do {
            try response.body.withUnsafeBytes(receiver.receive)
        } catch {
            throw OutgoingError(.receiver, place: "", reason: "the answer could not be kept", isTransient: true)
        }
        response.body = []
        return response
    }
}

/// A request to somebody else's server.
package struct OutgoingRequest: Sendable {
    /// The newest TLS that may be offered: some providers fail at the sight of 1.3. The oldest is 1.2 in any case.
    package enum TLSMaximum: Sendable { case tls12, tls13 }

    /// Where a request may lead.
    package enum Reach: Sendable {
        case anywhere
        /// To addresses of the public Internet only, whatever a name resolves to: for addresses that somebody else chose.
        case publicOnly
    }

    /// In upper case, as it is sent.
    package var method: String
    /// `http://` or `https://`, with everything in it percent-encoded.
    package var url: String
    /// Sent as they are; nothing is added but `Host`, `User-Agent`, `Accept` and `Content-Length`.
    package var headers: [HeaderField]
    package var body: [UInt8]
    /// From the call of `send` to the last byte of the answer.
    package var deadline: Duration
    /// Bytes of answer that are welcome; more end the request with `.tooLarge`.
    package var maximumBody: Int
    /// How many redirects of a GET or HEAD are followed; other methods are never sent twice.
    package var redirects: Int
    package var tlsMaximum: TLSMaximum
    package var reach = Reach.anywhere

    package init(
        _ method: String, _ url: String, headers: [HeaderField] = [], body: [UInt8] = [], deadline: Duration = .seconds(30),
        maximumBody: Int = 1 << 20, redirects: Int = 0, tlsMaximum: TLSMaximum = .tls13
    ) {
        self.method = method
        self.url = url
        self.headers = headers
        self.body = body
        self.deadline = deadline
        self.maximumBody = maximumBody
        self.redirects = redirects
        self.tlsMaximum = tlsMaximum
    }
}

/// What the other server said.
package struct OutgoingResponse: Sendable {
    package var status: Int
    /// In order of arrival, names as sent.
    package var headers: [HeaderField]
    package var body: [UInt8]

    package init(status: Int, headers: [HeaderField] = [], body: [UInt8] = []) {
        self.status = status
        self.headers = headers
        self.body = body
    }

    /// The first header of that name, without regard to case.
    package func header(_ name: String) -> String? {
        headers.first { $0.name.lowercased() == name.lowercased() }?.value
    }

    /// `Retry-After` in seconds, a day at most; nil where it is absent or a date: a date would need the other side's clock.
    package var retryAfter: Duration? {
        header("retry-after").flatMap { DecimalInteger.parse($0.utf8) }.flatMap { (0...86_400).contains($0) ? .seconds($0) : nil }
    }
}

/// Why there is no answer. Its text names scheme, host and port at most: never a path, a query, a header or a body.
package struct OutgoingError: Error, Sendable, Equatable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// The request cannot be sent as it is: a wrong address, a line end in a header.
        case invalidRequest
        /// The host's name is unknown, or nobody could be asked.
        case resolve
        case connect
        /// The handshake failed, or the certificate is not to be trusted.
        case tls
        case timeout
        /// Too much waits for this host: it has not left.
        case crowded
        case tooLarge
        case cancelled
        /// The address is not one of the public Internet, and only those were allowed.
        case forbidden
        /// Whoever takes the answer could not.
        case receiver
        case other
    }

    package var code: Code
    /// Scheme, host and port.
    package var place: String
    package var reason: String
    /// Whether the same request may succeed later without anybody mending anything.
    package var isTransient: Bool

    package init(_ code: Code, place: String, reason: String, isTransient: Bool) {
        self.code = code
        self.place = place
        self.reason = reason
        self.isTransient = isTransient
    }

    package var description: String { "\(place): \(reason)" }
}
