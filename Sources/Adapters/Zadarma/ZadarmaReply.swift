import AdapterKit
import Connector

/// What Zadarma answers: JSON with `status`, and `message` where it is an error.
struct ZadarmaReply {
    private let response: OutgoingResponse
    private let json: JSONText?

    init(_ response: OutgoingResponse) {
        self.response = response
        do {
            json = try JSONText(response.body)
        } catch {
            // What is no JSON is judged by its HTTP status.
            json = nil
        }
    }

    /// What a success says.
    func success() throws(ProviderFailure) -> ZadarmaSuccess {
        guard let root = json?.root, response.isSuccess, root["status"].equals("success") else {
            throw failure
        }
        return ZadarmaSuccess(root)
    }

    /// An error that comes with 200 is a refusal all the same; a status that is none says nothing.
    private var failure: ProviderFailure {
        let root = json?.root
        let message = root?["message"].string
        guard response.isSuccess else { return ProviderFailure(refusal: response, acts: true, hiding: []) }
        guard root?["status"].equals("error") == true else { return .unreadable(response, acts: true) }
        return ProviderFailure(.rejected, code: "error", text: message.map(ProviderFailure.tellable) ?? "Zadarma says no")
    }
}

/// An answer of success, and what its readers look for.
struct ZadarmaSuccess {
    let rowCount: Int
    let link: String?

    init(_ root: JSONNode) {
        rowCount = root["stats"].elements.count
        link = root["link"].string ?? root["links"].elements.first?.string
    }
}
