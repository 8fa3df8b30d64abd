/// An answer serialised once: the hot path copies it and writes the date over.
package final class PreparedResponse: Sendable {
    package let status: HTTPStatus
    let keepAlive: [UInt8]
    let closing: [UInt8]
    let bodyLength: Int
    /// The same in both variants: the status line comes before it.
    let dateStart: Int

    /// - Parameter response: with a body of `.none` or `.bytes`.
    package init(_ response: HTTPResponse) {
        var body: [UInt8] = []
        if case .bytes(let bytes) = response.body, !response.status.forbidsBody { body = bytes }
        let length: ResponseFraming.Length = response.status.forbidsBody ? .none : .known(body.count)
        let date = DateStamp().bytes
        var keepAlive: [UInt8] = []
        var closing: [UInt8] = []
        dateStart = ResponseHead.append(response, ResponseFraming(length: length, keepsAlive: true), date: date, to: &keepAlive)
        ResponseHead.append(response, ResponseFraming(length: length, keepsAlive: false), date: date, to: &closing)
        self.keepAlive = keepAlive + body
        self.closing = closing + body
        status = response.status
        bodyLength = body.count
    }
}
