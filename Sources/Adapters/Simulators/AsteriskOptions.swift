import AdapterKit
import Connector

/// Who may log in to the double, how it plays, and what goes wrong on demand.
package struct AsteriskOptions: Sendable {
    /// A user of manager.conf.
    package struct User: Sendable {
        package var name: String
        package var secret: String
        /// The classes of events that he may read, and of actions that he may take; `all` stands for each.
        package var read: Set<String>
        package var write: Set<String>

        package init(
            name: String, secret: String, read: Set<String> = ["system", "call", "agent", "user", "dtmf", "cdr"],
            write: Set<String> = ["system", "call", "originate", "agent", "reporting"]
        ) {
            self.name = name
            self.secret = secret
            self.read = read
            self.write = write
        }
    }

    package var users: [User]
    /// `timestampevents` of manager.conf.
    package var isStamped = true
    /// Whether there are Cdr events.
    package var hasDetails = true
    /// Times as fast as people are.
    package var speed = 1.0
    /// How long the PBX has been up when it is first called.
    package var uptime = Duration.seconds(86_400)
    /// Seconds since 1970 that all names of legs begin with, as of a PBX that was started then; nil for the second in which a leg
    /// begins. Two doubles with the same one name their calls alike.
    package var namingSecond: Int64?
    package var faults = Faults()

    package init(users: [User]) { self.users = users }

    /// What goes wrong on demand. Which event or connection is struck, the seed decides.
    package struct Faults: Sendable, Equatable {
        /// So much later comes everything that is sent.
        package var delay = Duration.zero
        /// The share of events that are never sent, 0 to 1.
        package var lostShare = 0.0
        /// The share of connections that are accepted and never greeted.
        package var silentShare = 0.0
        /// After so long the PBX restarts: it says so, ends all calls, closes, and is away for `away`. Again and again.
        package var restartsAfter: Duration?
        /// After so long the PBX falls over without a word. Again and again.
        package var crashesAfter: Duration?
        /// How long it then refuses connections.
        package var away = Duration.seconds(3)
        /// A client that takes nothing for so long is dropped, as by `writetimeout`.
        package var writeTimeout: Duration?

        package init() {}
    }

    /// An employee's telephone; the last two digits decide whether it is answered, as with numbers outside.
    static func isPhone(_ exten: String) -> Bool { exten.utf8.count == 3 && exten.hasPrefix("1") && exten.allSatisfy(\.isNumber) }
}
