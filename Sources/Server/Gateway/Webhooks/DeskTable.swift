import HTTPServer

/// A loop's desks by the names of their connections, asked by bytes: no `String` is made to find one.
///
/// Open addressing over a power of two of places, at least half of them empty. The names are the operator's own, so nobody outside
/// can make them collide.
struct DeskTable {
    private var places: [WebhookDesk?]

    init(_ desks: [WebhookDesk] = []) {
        var size = 4
        while size < desks.count * 2 { size *= 2 }
        places = Array(repeating: nil, count: size)
        for desk in desks {
            var place = desk.name.withUnsafeBytes { self.place(of: ByteView($0)) }
            while places[place] != nil { place = (place + 1) & (size - 1) }
            places[place] = desk
        }
    }

    subscript(name: ByteView) -> WebhookDesk? {
        // No slug is longer.
        guard name.count <= 64 else { return nil }
        var place = place(of: name)
        while let desk = places[place] {
            if desk.name.withUnsafeBytes({ ByteView($0) == name }) { return desk }
            place = (place + 1) & (places.count - 1)
        }
        return nil
    }

    /// FNV-1a.
    private func place(of name: ByteView) -> Int {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for byte in name.buffer { hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3 }
        return Int(truncatingIfNeeded: hash ^ hash >> 32) & (places.count - 1)
    }
}
