import AdapterKit
import Connector

enum DialplanMessage {
    static func decode(_ raw: RawRecord, plan: PhonePlan) -> [Decoded] { [.undecoded(reason: "not yet")] }
}
