import AsteriskAdapter
import BeelineAdapter
import Connector
import MangoAdapter
import MappedAdapter
import MegafonVATSAdapter
import MultifonAdapter
import PBXAdapter
import ProgramAdapter
import SIPTrunkAdapter
import TelphinAdapter
import ZadarmaAdapter

/// Every adapter there is.
package enum AdapterCatalog {
    /// In the order of their names. A new adapter is one more line here.
    package static let adapters: [any TelephonyAdapter.Type] = [
        AsteriskAdapter.self,
        BeelineAdapter.self,
        MangoAdapter.self,
        MappedAdapter.self,
        MegafonVATSAdapter.self,
        MultifonAdapter.self,
        PBXAdapter.self,
        ProgramAdapter.self,
        SIPTrunkAdapter.self,
        TelphinAdapter.self,
        ZadarmaAdapter.self,
    ]

    package static var names: [String] { adapters.map { $0.descriptor.name } }

    /// The adapter that `adapter:` of a connection's file names; nil where there is none.
    package static func adapter(named name: String) -> (any TelephonyAdapter.Type)? {
        adapters.first { $0.descriptor.name == name }
    }
}
