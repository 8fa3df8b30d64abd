import HTTPServer
import Network

/// The text that came last in some place of a request: where it comes again, no new `String` is made.
struct KeptText {
    private var text = ""

    /// `bytes` as text.
    mutating func text(for bytes: ByteView) -> String {
        // A text as short as this lies in the `String` itself.
        if bytes.count <= 15 { return bytes.string }
        let isSame = text.withUTF8 { bytes == ByteView(UnsafeRawBufferPointer($0)) }
        if !isSame { text = bytes.string }
        return text
    }
}

/// The paths of a loop's webhooks: providers have few of them.
struct KeptPaths {
    private var places = [KeptText](repeating: KeptText(), count: 16)

    mutating func text(for path: ByteView) -> String {
        path.isEmpty ? "" : places[(path.count &* 7 &+ Int(path[path.count - 1])) & 15].text(for: path)
    }
}

/// The written form of the addresses that called last: providers call from few.
struct KeptAddresses {
    private var places = [(address: IPAddress, text: String)](
        repeating: (.loopbackV4, IPAddress.loopbackV4.description), count: 64)

    mutating func text(for address: IPAddress) -> String {
        let mixed = (address.high ^ address.low) &* 0x9E37_79B9_7F4A_7C15
        let place = Int(truncatingIfNeeded: mixed >> 58)
        if places[place].address != address { places[place] = (address, address.description) }
        return places[place].text
    }
}
