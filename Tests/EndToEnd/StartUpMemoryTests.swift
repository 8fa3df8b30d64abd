import Testing

@testable import kommutator

@Suite struct StartUpMemoryTests {
    @Test func `only pages of files that were never written to, and cannot be, are given back`() {
        let mappings: [(head: String, anonymous: Int)] = [
            ("1000-2000 r-xp 00000000 08:01 17 /usr/lib/a b.so", 0),
            ("2000-3000 r--p 00001000 08:01 17 /usr/lib/a b.so", 0),
            // Locked by the loader after it wrote there.
            ("3000-4000 r--p 00002000 08:01 17 /usr/lib/a b.so", 4),
            ("4000-5000 rw-p 00003000 08:01 17 /usr/lib/a b.so", 0),
            ("5000-6000 r--s 00000000 08:01 18 /var/lib/shared", 0),
            ("6000-7000 r--p 00000000 00:00 0", 0),
            ("7000-8000 r-xp 00000000 00:00 0 [vdso]", 0),
            ("9000-8000 r-xp 00000000 08:01 19 /usr/lib/b.so", 0),
        ]
        let lines = mappings.flatMap { [$0.head, "Size: 4 kB", "Rss: 4 kB", "Anonymous: \($0.anonymous) kB", "VmFlags: rd mr"] }
        #expect(StartUpMemory.unwrittenPages(in: lines) == [0x1000..<0x2000, 0x2000..<0x3000])
    }

    @Test func `what cannot be understood is left alone`() {
        let lines = ["", ":", "Anonymous: 0 kB", "xyz r-xp 0 08:01 1 /a", "Anonymous:", "1-2 r-xp", "Anonymous: 0 kB"]
        #expect(StartUpMemory.unwrittenPages(in: lines).isEmpty)
    }
}
