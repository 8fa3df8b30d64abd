extension Tone {
    private struct Shape {
        var frequencies: [Double]
        /// In samples.
        var on: Int
        var off: Int
    }

    private var shape: Shape {
        switch self {
        case .ringback: Shape(frequencies: [425], on: 8000, off: 32_000)
        case .busy: Shape(frequencies: [425], on: 2800, off: 2800)
        case .congestion: Shape(frequencies: [425], on: 1400, off: 1400)
        case .beep: Shape(frequencies: [1000], on: 1600, off: 0)
        case .ringbackNorthAmerica: Shape(frequencies: [440, 480], on: 16_000, off: 32_000)
        case .busyNorthAmerica: Shape(frequencies: [480, 620], on: 4000, off: 4000)
        case .congestionNorthAmerica: Shape(frequencies: [480, 620], on: 2000, off: 2000)
        }
    }

    /// One round of it, at about -13 dBm0.
    func makeClip() -> AudioClip {
        let wave = Waveform(frequencies: shape.frequencies, amplitude: 9000 / Double(shape.frequencies.count))
        return AudioClip(samples: wave.samples(shape.on) + [Int16](repeating: 0, count: shape.off))
    }
}
