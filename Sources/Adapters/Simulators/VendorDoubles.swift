/// Every double there is.
package enum VendorDoubles {
    package static let doubles: [any VendorDouble.Type] = [
        BeelineDouble.self, MangoDouble.self, MegafonDouble.self, MultifonDouble.self, TelphinDouble.self, ZadarmaDouble.self,
    ]

    /// The double of that adapter; nil where there is none.
    package static func double(for adapter: String) -> (any VendorDouble.Type)? {
        doubles.first { $0.adapter == adapter }
    }
}
