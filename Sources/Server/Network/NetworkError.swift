import CSystem
import Glibc

/// What went wrong with a socket, a loop or a certificate.
package struct NetworkError: Error, Sendable, CustomStringConvertible {
    /// Which step failed.
    package enum Code: String, Sendable {
        case invalidAddress, listen, bind, loop, certificate, privateKey, tls, probe
    }

    package var code: Code
    /// What was being done, to what: an address, a file.
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
