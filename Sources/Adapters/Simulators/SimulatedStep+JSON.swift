import Connector

extension SimulatedStep {
    /// The request as one line of JSON, with the line end: `{"method", "path", "headers": {…}, "body"}`. For load drivers of any
    /// kind.
    ///
    /// - Parameter entrance: the path of the connection's entrance, `/hooks/sales`.
    package func jsonLine(at entrance: String) -> [UInt8] {
        var json = JSONWriter()
        json.beginObject()
        json.field("method", method)
        json.field("path", entrance + target)
        json.beginObject("headers")
        for header in headers {
            json.name(dynamic: header.name)
            json.value(header.value)
        }
        json.endObject()
        json.field("body", String(decoding: body, as: UTF8.self))
        json.endObject()
        return json.finish() + [UInt8(ascii: "\n")]
    }
}
