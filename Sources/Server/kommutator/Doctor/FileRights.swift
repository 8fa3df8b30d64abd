import Glibc

/// Who may do what with a file, in words for the operator.
struct FileRights {
    let path: String
    private let status: stat?
    /// Why it could not even be looked at; 0 where it could.
    private let failure: Int32

    init(_ path: String) {
        self.path = path
        var status = stat()
        failure = stat(path, &status) == 0 ? 0 : errno
        self.status = failure == 0 ? status : nil
    }

    var isMissing: Bool { failure == ENOENT || failure == ENOTDIR }

    /// Whether anybody but owner and group may read it.
    var isOpenToEverybody: Bool { status.map { $0.st_mode & 0o004 != 0 } ?? false }

    /// Whether anybody but the owner may do anything with it.
    var isOpenToOthers: Bool { status.map { $0.st_mode & 0o077 != 0 } ?? false }

    /// Why this user may not do `what` with it (`R_OK`, `W_OK`, `X_OK`); `nil` where he may.
    func refusal(of what: Int32, called verb: String) -> String? {
        if failure == EACCES || failure == EPERM { return "\(path) may not be looked at by this user" }
        guard failure == 0 else { return "\(path): \(String(cString: strerror(failure)).lowercased())" }
        guard access(path, what) != 0 else { return nil }
        switch errno {
        case EACCES, EPERM: return "\(path) may not be \(verb) by this user" + (owner.map { "; it is \($0)'s" } ?? "")
        case EROFS: return "\(path) lies on a disk that is mounted for reading only"
        default: return "\(path): \(String(cString: strerror(errno)).lowercased())"
        }
    }

    /// The owner's name, or number.
    var owner: String? {
        status.map { status in getpwuid(status.st_uid).map { String(cString: $0.pointee.pw_name) } ?? "uid \(status.st_uid)" }
    }
}
