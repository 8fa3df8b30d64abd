import Glibc

/// Why something of the media plane could not be done.
package struct MediaError: Error, Equatable, Sendable, CustomStringConvertible {
    package enum Code: String, Sendable {
        /// No port is to be had.
        case ports
        /// The plane holds as many streams, players or recordings as it may.
        case full
        /// The system gave no thread or loop.
        case threads
        /// A file is not there, or cannot be read or written.
        case file
        /// A sound file is not in a format that is understood.
        case format
        /// The disk is full.
        case space
        /// The sides speak a codec that is passed on only.
        case codec
        /// There is no such stream or recording.
        case unknown
        /// The plane has been shut down.
        case over
    }

    package var code: Code
    /// What was being done, to what: a file, a port.
    package var context: String
    /// The system's number, where it gave one.
    package var errno: Int32?
    /// What an operator can do about it.
    package var hint: String?

    package init(_ code: Code, _ context: String, errno: Int32? = nil, hint: String? = nil) {
        self.code = code
        self.context = context
        self.errno = errno
        self.hint = hint
    }

    package var description: String {
        var text = context
        if let errno { text += ": " + String(cString: strerror(errno)) }
        if let hint { text += " (" + hint + ")" }
        return text
    }
}
