/// A JSON text as the journal keeps it: the same values in a quarter of the bytes, and cheaper to write.
///
/// A call's record says the same things over and over: a hundred names, the client's number five times, moments and identifiers
/// whose text is twice as long as they are. Packed, names and common words are one byte, moments and identifiers their own bits,
/// and a text or number that was there before is a distance back. Expanding gives back exactly the text that `JSONWriter` would
/// have written; there is no other text for it. Decision 011 argues it.
///
/// The first byte is the format's version. Then, value after value, an operation and what belongs to it:
/// ```
/// 01 {   02 }   03 [   04 ]   05 null   06 true   07 false
/// 08 length bytes     text that needs no escaping          0A zigzag   whole number
/// 09 length bytes     text that does                       0B 6 bytes  moment, milliseconds since 1970
/// 0C prefix 16 bytes  identifier                           0D word     word of `PackedWords.values`
/// 0E distance         the text or identifier there, again  0F distance length   the values there, again
/// 10 length bytes     a name that is no word               20...FF     a name of `PackedWords.names`
/// ```
/// Lengths, distances and numbers are LEB128; moments and identifiers are big-endian. A distance counts from its operation back to
/// the first byte of what is meant.
package enum PackedJSON {
    /// What the first byte says.
    static let version: UInt8 = 1

    enum Operation {
        static let beginObject: UInt8 = 0x01
        static let endObject: UInt8 = 0x02
        static let beginArray: UInt8 = 0x03
        static let endArray: UInt8 = 0x04
        static let null: UInt8 = 0x05
        static let yes: UInt8 = 0x06
        static let no: UInt8 = 0x07
        static let plainText: UInt8 = 0x08
        static let text: UInt8 = 0x09
        static let integer: UInt8 = 0x0A
        static let moment: UInt8 = 0x0B
        static let identifier: UInt8 = 0x0C
        static let word: UInt8 = 0x0D
        static let repeatedText: UInt8 = 0x0E
        static let repeatedValues: UInt8 = 0x0F
        static let name: UInt8 = 0x10
        /// The first name of `PackedWords.names`; the others follow.
        static let firstName: UInt8 = 0x20
    }

    /// The packed text is broken: cut short, or not written by `PackedJSONWriter`.
    package struct Damage: Error, Equatable, CustomStringConvertible {
        /// Where it shows, in bytes from the beginning.
        package var offset: Int
        package var problem: String

        package var description: String { "packed JSON is damaged at byte \(offset): \(problem)" }
    }

    /// The JSON text of `packed`, in memory of its own.
    package static func expand(_ packed: [UInt8]) throws(Damage) -> [UInt8] {
        let expander = PackedJSONExpander()
        return try expander.expand(packed)
    }
}
