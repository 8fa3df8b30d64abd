/// What is wrong with a message, and where; nothing of the message itself.
package struct SIPParseError: Error, Sendable, Equatable {
    /// The raw value names the reason in `/metrics`.
    package enum Code: String, Sendable, CaseIterable {
        case empty
        case notSIP = "not_sip"
        case startLine = "start_line"
        case requestURI = "request_uri"
        case version
        case scheme
        case statusCode = "status_code"
        case lineEnd = "line_end"
        case controlByte = "control_byte"
        case headerName = "header_name"
        case truncated
        case headTooLarge = "head_too_large"
        case lineTooLong = "line_too_long"
        case tooManyHeaders = "too_many_headers"
        case tooManyVias = "too_many_vias"
        case bodyTooLarge = "body_too_large"
        case missingHeader = "missing_header"
        case repeatedHeader = "repeated_header"
        case via
        case address
        case callID = "call_id"
        case cseq
        case methodMismatch = "method_mismatch"
        case maxForwards = "max_forwards"
        case contentLength = "content_length"
        case quotedString = "quoted_string"
        case parameter
        case uri
        case tooManyParameters = "too_many_parameters"
        case list
        case credentials
        case value
    }

    package let code: Code
    /// Counted from the first byte of the message, or of the text that was parsed by itself.
    package let offset: Int

    package init(_ code: Code, at offset: Int) {
        self.code = code
        self.offset = offset
    }

    /// What the sender of a request with this fault deserves.
    package var answer: SIPRefusalAnswer {
        switch code {
        case .empty, .notSIP, .statusCode: .silence
        case .version: .status(505, "Version Not Supported")
        case .scheme: .status(416, "Unsupported URI Scheme")
        case .headTooLarge, .lineTooLong, .tooManyHeaders, .tooManyVias, .bodyTooLarge: .status(513, "Message Too Large")
        default: .status(400, reason)
        }
    }

    /// The reason phrase of a 400, which names the part at fault (RFC 3261 §21.4.1) and repeats nothing that was sent.
    private var reason: StaticString {
        switch code {
        case .startLine: "Bad Start Line"
        case .requestURI: "Bad Request-URI"
        case .lineEnd: "Bad Line End"
        case .controlByte: "Control Byte In Header"
        case .headerName: "Bad Header Name"
        case .truncated: "Message Is Cut Short"
        case .missingHeader: "Missing Header"
        case .repeatedHeader: "Repeated Header"
        case .via: "Bad Via"
        case .address: "Bad Address"
        case .callID: "Bad Call-ID"
        case .cseq: "Bad CSeq"
        case .methodMismatch: "CSeq Method Differs"
        case .maxForwards: "Bad Max-Forwards"
        case .contentLength: "Bad Content-Length"
        case .quotedString: "Bad Quoted String"
        case .parameter: "Bad Parameter"
        case .uri: "Bad URI"
        case .tooManyParameters: "Too Many Parameters"
        case .list: "Bad List"
        case .credentials: "Bad Credentials"
        default: "Bad Request"
        }
    }
}

/// How a refused message is answered.
package enum SIPRefusalAnswer: Sendable {
    /// Not at all: it is no request, or there is nowhere to answer.
    case silence
    case status(UInt16, StaticString)

    package var status: UInt16? {
        guard case .status(let status, _) = self else { return nil }
        return status
    }
}

/// A message that is refused, with what could still be read of it.
package struct SIPRefusal: Error, Sendable {
    package let error: SIPParseError
    /// What an answer is built from: the headers that could be told apart, though any of them may be missing or malformed.
    ///
    /// nil where no answer is due: garbage, a response, an ACK (RFC 3261 §17.1.1.3), a request without Via (§8.2.6.2).
    package let request: SIPMessage?

    package var answer: SIPRefusalAnswer { request == nil ? .silence : error.answer }
}
