import CSystem

/// A piece of raw memory with a filled range; trivial, so that a connection can hold it without reference counting.
/// It belongs to the pool that handed it out and must go back there.
struct RawBuffer {
    var base: UnsafeMutableRawPointer?
    var capacity = 0
    /// The filled range.
    var start = 0
    var end = 0

    var count: Int { end - start }
    var isEmpty: Bool { start == end }

    var filled: UnsafeRawBufferPointer { UnsafeRawBufferPointer(start: base.map { $0 + start }, count: count) }
    var free: UnsafeMutableRawBufferPointer { UnsafeMutableRawBufferPointer(start: base.map { $0 + end }, count: capacity - end) }

    /// Bytes `range` counted from the start of the filled range.
    func view(_ range: Range<Int>) -> ByteView { ByteView(filled)[range] }

    mutating func consume(_ length: Int) {
        start += min(length, count)
        if start == end { (start, end) = (0, 0) }
    }
}

/// Buffers of one loop: pages of the usual size are kept for reuse, larger ones go back to the system.
struct BufferPool: ~Copyable {
    static let pageSize = 4096
    private static let kept = 256
    private var pages: [UnsafeMutableRawPointer] = []
    /// Bytes handed out and not yet returned.
    private(set) var bytesInUse = 0

    init() { pages.reserveCapacity(Self.kept) }

    deinit { for page in pages { page.deallocate() } }

    mutating func take(_ size: Int) -> RawBuffer {
        let capacity = max(size, Self.pageSize)
        bytesInUse += capacity
        if capacity == Self.pageSize, let page = pages.popLast() { return RawBuffer(base: page, capacity: capacity) }
        return RawBuffer(base: .allocate(byteCount: capacity, alignment: 16), capacity: capacity)
    }

    mutating func give(_ buffer: inout RawBuffer) {
        guard let base = buffer.base else { return }
        bytesInUse -= buffer.capacity
        if buffer.capacity == Self.pageSize, pages.count < Self.kept { pages.append(base) } else { base.deallocate() }
        buffer = RawBuffer()
    }

    /// Makes room for at least `room` more bytes behind the filled range: slides it to the front, or doubles.
    mutating func reserve(_ room: Int, in buffer: inout RawBuffer) {
        guard buffer.capacity - buffer.end < room else { return }
        if let base = buffer.base, buffer.capacity - buffer.count >= room {
            memmove(base, base + buffer.start, buffer.count)
            (buffer.start, buffer.end) = (0, buffer.count)
            return
        }
        var larger = take(max(buffer.count + room, buffer.capacity * 2))
        larger.free.copyMemory(from: buffer.filled)
        larger.end = buffer.count
        give(&buffer)
        buffer = larger
    }

    /// Appends bytes at the end of the filled range.
    mutating func append(_ bytes: UnsafeRawBufferPointer, to buffer: inout RawBuffer) {
        reserve(bytes.count, in: &buffer)
        buffer.free.copyMemory(from: bytes)
        buffer.end += bytes.count
    }
}
