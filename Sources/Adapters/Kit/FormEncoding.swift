/// Writing `application/x-www-form-urlencoded`: bodies and queries of our own requests.
package enum FormEncoding {
    /// `name=value` pairs in the given order, joined by `&`; a space is `+` (RFC 1738, as PHP's `http_build_query`).
    package static func encode(_ fields: [(name: String, value: String)]) -> String {
        var bytes: [UInt8] = []
        for (name, value) in fields {
            if !bytes.isEmpty { bytes.append(UInt8(ascii: "&")) }
            append(name, to: &bytes)
            bytes.append(UInt8(ascii: "="))
            append(value, to: &bytes)
        }
        return String(decoding: bytes, as: UTF8.self)
    }

    /// The same for a query, where a space is `%20`, which every server understands.
    package static func encode(query fields: [(name: String, value: String)]) -> String {
        String(encode(fields).flatMap { $0 == "+" ? "%20" : String($0) })
    }

    /// One segment of a path: whatever it holds, it stays one.
    package static func encode(segment text: String) -> String {
        var bytes: [UInt8] = []
        append(text, to: &bytes)
        return String(String(decoding: bytes, as: UTF8.self).flatMap { $0 == "+" ? "%20" : String($0) })
    }

    private static func append(_ text: String, to bytes: inout [UInt8]) {
        let digits = Array("0123456789ABCDEF".utf8)
        for byte in text.utf8 {
            switch byte {
            case UInt8(ascii: " "): bytes.append(UInt8(ascii: "+"))
            case _ where isUnreserved(byte): bytes.append(byte)
            default: bytes += [UInt8(ascii: "%"), digits[Int(byte >> 4)], digits[Int(byte & 15)]]
            }
        }
    }

    private static func isUnreserved(_ byte: UInt8) -> Bool {
        switch byte {
        case UInt8(ascii: "0")...UInt8(ascii: "9"), UInt8(ascii: "A")...UInt8(ascii: "Z"), UInt8(ascii: "a")...UInt8(ascii: "z"),
            UInt8(ascii: "-"), UInt8(ascii: "."), UInt8(ascii: "_"):
            true
        default: false
        }
    }
}
