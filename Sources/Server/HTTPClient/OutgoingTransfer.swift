import CSystem
import Connector
import Network

/// One request under way: its easy handle, what has come so far, and who waits for it.
///
/// `@unchecked Sendable`: made by the sender, then touched on the client's loop only.
final class OutgoingTransfer: @unchecked Sendable {
    /// Bytes of response head that are taken, of all responses of a redirected request together.
    private static let headBytes = 256 << 10
    /// Bytes kept of a refusal's body where a receiver takes the bodies.
    private static let refusalBytes = 64 << 10
    /// Bodies from which on a libcurl, of whatever age, may ask before it sends.
    private static let largeBytes = 1 << 10
    /// How long an answer that a receiver takes may be silent.
    private static let silentSeconds = 60

    /// Where it stands in its host's lane.
    enum Place { case none, waiting, underWay }

    let request: OutgoingRequest
    /// Whose lane it takes: the address up to its path.
    let host: String
    var place = Place.none
    var isCancelled = false
    var deadline: TimerID?
    private(set) var easy: UnsafeMutableRawPointer?
    private var headerList: UnsafeMutablePointer<curl_slist>?
    /// Who waits for the end.
    var continuation: CheckedContinuation<OutgoingResponse, any Error>?
    private var headers: [HeaderField] = []
    private var headByteCount = 0
    private var body: [UInt8] = []
    private var isTooLarge = false
    private let receiver: (any OutgoingReceiver)?
    private var receivedBytes = 0
    private var isRefusedByReceiver = false
    /// Whether an address was refused for not being public; libcurl's callback writes it.
    private let hasForbiddenAddress: UnsafeMutablePointer<CInt>

    init(_ request: OutgoingRequest, to receiver: (any OutgoingReceiver)? = nil) {
        self.request = request
        host = request.host
        self.receiver = receiver
        hasForbiddenAddress = .allocate(capacity: 1)
        hasForbiddenAddress.initialize(to: 0)
    }

    deinit { hasForbiddenAddress.deallocate() }

    func begin(on easy: UnsafeMutableRawPointer, _ configuration: OutgoingHTTPConfiguration) {
        self.easy = easy
        setManners(easy, configuration)
        setReceivers(easy)
        setMessage(easy)
    }

    func end(with result: Result<OutgoingResponse, OutgoingError>) {
        curl_slist_free_all(headerList)
        headerList = nil
        easy = nil
        continuation.take()?.resume(with: result.mapError { $0 })
    }

    // MARK: Setting up

    private func setManners(_ easy: UnsafeMutableRawPointer, _ configuration: OutgoingHTTPConfiguration) {
        csys_curl_set_number(easy, CURLOPT_NOSIGNAL, 1)
        csys_curl_set_number(easy, CURLOPT_HTTP_VERSION, CURL_HTTP_VERSION_1_1)
        csys_curl_only_http(easy)
        csys_curl_abandon_lookups(easy)
        csys_curl_tls(easy, request.tlsMaximum == .tls12 ? 1 : 0)
        csys_curl_set_text(easy, CURLOPT_PROXY, configuration.proxy ?? "")
        csys_curl_set_text(easy, CURLOPT_USERAGENT, configuration.userAgent)
        if let file = configuration.certificateAuthorities { csys_curl_set_text(easy, CURLOPT_CAINFO, file) }
        // Behind a proxy it is the proxy that looks names up, and its own address that would be judged.
        if request.reach == .publicOnly, configuration.proxy == nil { csys_curl_public_only(easy, hasForbiddenAddress) }
        if receiver != nil {
            csys_curl_set_number(easy, CURLOPT_LOW_SPEED_LIMIT, 1)
            csys_curl_set_number(easy, CURLOPT_LOW_SPEED_TIME, Self.silentSeconds)
        }
        guard request.redirects > 0, ["GET", "HEAD"].contains(request.method) else { return }
        csys_curl_set_number(easy, CURLOPT_FOLLOWLOCATION, 1)
        csys_curl_set_number(easy, CURLOPT_MAXREDIRS, request.redirects)
    }

    private func setReceivers(_ easy: UnsafeMutableRawPointer) {
        // Unretained: the client's table keeps the transfer until its handle is out of libcurl.
        let owner = Unmanaged.passUnretained(self).toOpaque()
        csys_curl_set_pointer(easy, CURLOPT_PRIVATE, owner)
        csys_curl_set_pointer(easy, CURLOPT_WRITEDATA, owner)
        csys_curl_set_pointer(easy, CURLOPT_HEADERDATA, owner)
        csys_curl_set_receiver(easy, CURLOPT_WRITEFUNCTION) { bytes, _, count, owner in
            OutgoingTransfer.of(owner)?.takeBody(UnsafeRawBufferPointer(start: bytes, count: count)) == true ? count : 0
        }
        csys_curl_set_receiver(easy, CURLOPT_HEADERFUNCTION) { bytes, _, count, owner in
            OutgoingTransfer.of(owner)?.takeHeaderLine(UnsafeRawBufferPointer(start: bytes, count: count)) == true ? count : 0
        }
        if request.method != "HEAD", request.maximumBody > 0 {
            csys_curl_set_size(easy, CURLOPT_MAXFILESIZE_LARGE, Int64(request.maximumBody))
        }
    }

    private func setMessage(_ easy: UnsafeMutableRawPointer) {
        csys_curl_set_text(easy, CURLOPT_URL, request.url)
        if request.method == "HEAD" {
            csys_curl_set_number(easy, CURLOPT_NOBODY, 1)
        } else if request.method != "GET" || !request.body.isEmpty {
            setBody(easy)
            csys_curl_set_text(easy, CURLOPT_CUSTOMREQUEST, request.method)
        }
        // What libcurl would add by itself: waiting for 100 Continue with a large body, and the type of a form.
        if request.body.count >= Self.largeBytes { addHeader("Expect:") }
        if request.method != "GET" || !request.body.isEmpty, !request.hasType { addHeader("Content-Type:") }
        for header in request.headers { addHeader(header.value.isEmpty ? "\(header.name);" : "\(header.name): \(header.value)") }
        csys_curl_set_pointer(easy, CURLOPT_HTTPHEADER, headerList)
    }

    /// Copied by libcurl, so that its bytes stay put. Without a pointer it would read the standard input.
    private func setBody(_ easy: UnsafeMutableRawPointer) {
        csys_curl_set_size(easy, CURLOPT_POSTFIELDSIZE_LARGE, Int64(request.body.count))
        guard !request.body.isEmpty else {
            csys_curl_set_text(easy, CURLOPT_COPYPOSTFIELDS, "")
            return
        }
        request.body.withUnsafeBytes { bytes in
            _ = csys_curl_set_pointer(easy, CURLOPT_COPYPOSTFIELDS, bytes.baseAddress)
        }
    }

    private func addHeader(_ line: String) {
        if let longer = curl_slist_append(headerList, line) { headerList = longer }
    }

    // MARK: Receiving

    private static func of(_ owner: UnsafeMutableRawPointer?) -> OutgoingTransfer? {
        owner.map { Unmanaged<OutgoingTransfer>.fromOpaque($0).takeUnretainedValue() }
    }

    private func takeBody(_ bytes: UnsafeRawBufferPointer) -> Bool {
        if let receiver { return hand(bytes, to: receiver) }
        guard bytes.count <= request.maximumBody - body.count else {
            isTooLarge = true
            return false
        }
        body.append(contentsOf: bytes)
        return true
    }

    private func hand(_ bytes: UnsafeRawBufferPointer, to receiver: any OutgoingReceiver) -> Bool {
        guard (200..<300).contains(Int(csys_curl_status(easy))) else {
            body.append(contentsOf: bytes.prefix(Self.refusalBytes - body.count))
            return true
        }
        guard bytes.count <= request.maximumBody - receivedBytes else {
            isTooLarge = true
            return false
        }
        receivedBytes += bytes.count
        do {
            try receiver.receive(bytes)
            return true
        } catch {
            isRefusedByReceiver = true
            return false
        }
    }

    /// One line of the head; a status line begins the head of another response (after 100 Continue, or a redirect).
    private func takeHeaderLine(_ line: UnsafeRawBufferPointer) -> Bool {
        headByteCount += line.count
        guard headByteCount <= Self.headBytes else {
            isTooLarge = true
            return false
        }
        guard let colon = line.firstIndex(of: UInt8(ascii: ":")) else {
            if line.starts(with: "HTTP/".utf8) { headers.removeAll() }
            return true
        }
        let value = line[(colon + 1)...].trimmingBlanks
        headers.append(
            HeaderField(name: String(decoding: line[..<colon], as: UTF8.self), value: String(decoding: value, as: UTF8.self)))
        return true
    }

    // MARK: Ending

    /// What has become of it, in our words.
    func result(_ code: CURLcode) -> Result<OutgoingResponse, OutgoingError> {
        guard code == CURLE_OK else { return .failure(failure(code)) }
        return .success(OutgoingResponse(status: Int(csys_curl_status(easy)), headers: headers, body: body))
    }

    func error(_ code: OutgoingError.Code, _ reason: String, isTransient: Bool = false) -> OutgoingError {
        OutgoingError(code, place: request.place, reason: reason, isTransient: isTransient)
    }

    private func failure(_ code: CURLcode) -> OutgoingError {
        // libcurl's own words for a code: they hold nothing of the request.
        let reason = String(cString: curl_easy_strerror(code))
        switch code {
        case _ where isRefusedByReceiver: return error(.receiver, "the answer could not be kept", isTransient: true)
        case _ where hasForbiddenAddress.pointee != 0: return error(.forbidden, "the address is not a public one")
        case CURLE_FILESIZE_EXCEEDED: return error(.tooLarge, "the answer is over \(request.maximumBody) bytes")
        case _ where isTooLarge: return error(.tooLarge, "the answer is over \(request.maximumBody) bytes")
        case CURLE_URL_MALFORMAT, CURLE_UNSUPPORTED_PROTOCOL: return error(.invalidRequest, reason)
        case CURLE_COULDNT_RESOLVE_HOST, CURLE_COULDNT_RESOLVE_PROXY: return error(.resolve, reason, isTransient: true)
        case CURLE_COULDNT_CONNECT: return error(.connect, reason, isTransient: true)
        case CURLE_SSL_CONNECT_ERROR: return error(.tls, reason, isTransient: true)
        case CURLE_PEER_FAILED_VERIFICATION, CURLE_SSL_CERTPROBLEM, CURLE_SSL_CIPHER, CURLE_SSL_CACERT_BADFILE,
            CURLE_SSL_ISSUER_ERROR, CURLE_SSL_ENGINE_INITFAILED:
            return error(.tls, reason)
        case CURLE_OPERATION_TIMEDOUT: return error(.timeout, reason, isTransient: true)
        case CURLE_GOT_NOTHING, CURLE_SEND_ERROR, CURLE_RECV_ERROR, CURLE_PARTIAL_FILE:
            return error(.other, reason, isTransient: true)
        default: return error(.other, reason)
        }
    }
}

extension Slice<UnsafeRawBufferPointer> {
    /// Without blanks and line ends at either end.
    fileprivate var trimmingBlanks: Self {
        var rest = self
        while let first = rest.first, first <= 0x20 { rest.removeFirst() }
        while let last = rest.last, last <= 0x20 { rest.removeLast() }
        return rest
    }
}
