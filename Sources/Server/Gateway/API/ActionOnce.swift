import Connector
import Digests
import HTTPServer

/// What a request that acts must carry: its key, and the hash by which another request with the same key is noticed.
struct ActionKey {
    let key: String
    let request: DigestValue

    static let parameter = APIParameter(
        name: "Idempotency-Key", place: .header, isRequired: true, schema: .text,
        description: "1 to 200 characters; the same key and body give the same answer, and nothing is done twice")

    /// - Throws: `APIProblem` 400 where the key is missing.
    init(_ call: APICall) throws {
        guard let key = call.header("Idempotency-Key"), (1...200).contains(key.utf8.count) else {
            throw APIProblem(
                .badRequest, "idempotency-key-missing", "An Idempotency-Key is needed",
                detail: "A request that acts needs the header `Idempotency-Key`, 1 to 200 characters long.")
        }
        var request = Digest(.sha256)
        request.update("\(call.http.path)\n")
        request.update(call.http.body)
        self.key = key
        self.request = request.finish()
    }
}
