import Glibc

/// Reads sound files: RIFF/WAVE, one channel, 8,000 Hz, as 16-bit PCM, A-law or µ-law; and our own recordings, whose two channels are
/// heard together.
enum WAVReader {
    private static let remedy = "convert it: sox IN.wav -r 8000 -c 1 -b 16 OUT.wav"

    /// Reads a whole file. Blocks: never on a loop that does something else.
    /// - Throws: `.file` where it cannot be read, `.format` where it is in another format; both name it and say what helps.
    static func clip(ofFile path: String, maximumBytes: Int) throws(MediaError) -> AudioClip {
        try clip(of: contents(ofFile: path, maximumBytes), path: path)
    }

    static func clip(of bytes: [UInt8], path: String) throws(MediaError) -> AudioClip {
        guard bytes.count >= 12, tag(bytes, 0) == "RIFF", tag(bytes, 8) == "WAVE" else {
            throw MediaError(.format, "\(path): not a WAV file", hint: remedy)
        }
        var format: Format?
        var place = 12
        while place + 8 <= bytes.count {
            let (name, size) = (tag(bytes, place), Int(number32(bytes, place + 4)))
            let body = place + 8
            let end = min(bytes.count, body + size)
            if name == "fmt " { format = Format(bytes, body, end) }
            if name == "data" { return try clip(bytes, body..<end, format, path) }
            place = body + size + (size & 1)
        }
        throw MediaError(.format, "\(path): holds no sound", hint: remedy)
    }

    private struct Format {
        var code: UInt16
        var channels: UInt16
        var rate: UInt32
        var bits: UInt16

        init?(_ bytes: [UInt8], _ place: Int, _ end: Int) {
            guard end - place >= 16 else { return nil }
            code = number16(bytes, place)
            channels = number16(bytes, place + 2)
            rate = number32(bytes, place + 4)
            bits = number16(bytes, place + 14)
            // WAVE_FORMAT_EXTENSIBLE has the code in front of its GUID.
            if code == 0xFFFE, end - place >= 26 { code = number16(bytes, place + 24) }
        }

        var description: String { "format \(code), \(channels) channels, \(rate) Hz, \(bits) bits" }
    }

    private static func clip(_ bytes: [UInt8], _ data: Range<Int>, _ format: Format?, _ path: String) throws(MediaError)
        -> AudioClip
    {
        guard let format else { throw MediaError(.format, "\(path): does not say its format", hint: remedy) }
        switch (format.code, format.channels, format.rate, format.bits) {
        case (1, 1, 8000, 16):
            return AudioClip(
                samples: stride(from: data.lowerBound, to: data.upperBound - 1, by: 2).map {
                    Int16(bitPattern: number16(bytes, $0))
                })
        case (1, 2, 8000, 16):
            return AudioClip(
                samples: stride(from: data.lowerBound, to: data.upperBound - 3, by: 4).map {
                    let sum = Int32(Int16(bitPattern: number16(bytes, $0))) + Int32(Int16(bitPattern: number16(bytes, $0 + 2)))
                    return Int16(clamping: sum)
                })
        case (6, 1, 8000, 8): return AudioClip(codes: Array(bytes[data]), law: .aLaw)
        case (7, 1, 8000, 8): return AudioClip(codes: Array(bytes[data]), law: .muLaw)
        default:
            throw MediaError(
                .format, "\(path): has \(format.description); wanted is one channel at 8000 Hz, 16-bit PCM, A-law or µ-law",
                hint: remedy)
        }
    }

    private static func contents(ofFile path: String, _ maximumBytes: Int) throws(MediaError) -> [UInt8] {
        let descriptor = Glibc.open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK)
        guard descriptor >= 0 else {
            throw MediaError(.file, path, errno: errno, hint: "is the path right, and may the gateway read it?")
        }
        defer { Glibc.close(descriptor) }
        var status = stat()
        guard fstat(descriptor, &status) == 0, status.st_mode & S_IFMT == S_IFREG else {
            throw MediaError(.file, "\(path): not a file")
        }
        guard Int(status.st_size) <= maximumBytes else {
            throw MediaError(.file, "\(path): longer than \(maximumBytes >> 20) MB", hint: "use a shorter one")
        }
        var bytes = [UInt8](repeating: 0, count: Int(status.st_size))
        var filled = 0
        while filled < bytes.count {
            let count = bytes.withUnsafeMutableBytes { read(descriptor, $0.baseAddress?.advanced(by: filled), $0.count - filled) }
            guard count >= 0 || errno == EINTR else { throw MediaError(.file, path, errno: errno) }
            if count == 0 { break }
            filled += max(0, count)
        }
        bytes.removeLast(bytes.count - filled)
        return bytes
    }

    private static func tag(_ bytes: [UInt8], _ place: Int) -> String {
        String(decoding: bytes[place..<place + 4], as: UTF8.self)
    }
}

/// Numbers of RIFF files: little-endian.
func number16(_ bytes: [UInt8], _ place: Int) -> UInt16 { UInt16(bytes[place]) | UInt16(bytes[place + 1]) << 8 }
func number32(_ bytes: [UInt8], _ place: Int) -> UInt32 {
    UInt32(number16(bytes, place)) | UInt32(number16(bytes, place + 2)) << 16
}
