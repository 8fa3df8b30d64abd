extension UnsafeRawBufferPointer {
    /// Whether `word` stands anywhere in the bytes: a look before they are read in earnest.
    package func holds(_ word: StaticString) -> Bool {
        let length = word.utf8CodeUnitCount
        guard length > 0, count >= length else { return length == 0 }
        let first = word.utf8Start[0]
        for start in 0...(count - length) where self[start] == first {
            var offset = 1
            while offset < length, self[start + offset] == word.utf8Start[offset] { offset += 1 }
            if offset == length { return true }
        }
        return false
    }
}
