/// A pattern taken apart: literals, names, and at the end perhaps the rest.
struct RoutePattern {
    enum Segment: Equatable {
        case literal([UInt8])
        case parameter
        case rest
    }

    private(set) var segments: [Segment] = []
    /// The names of the parameters, in order.
    private(set) var names: [String] = []

    /// Patterns are written in code: a malformed one is a programmer's error and traps.
    init(_ pattern: String) {
        precondition(pattern.hasPrefix("/"), "a route begins with a slash: \(pattern)")
        for part in pattern.dropFirst().split(separator: "/", omittingEmptySubsequences: false) {
            precondition(segments.last != .rest, "nothing follows the rest: \(pattern)")
            guard part.hasPrefix("{"), part.hasSuffix("}") else {
                segments.append(.literal(Array(part.utf8)))
                continue
            }
            let isRest = part.hasSuffix("...}")
            segments.append(isRest ? .rest : .parameter)
            names.append(String(part.dropFirst().dropLast(isRest ? 4 : 1)))
        }
        precondition(names.count <= RouteMatch.maximumParameters, "too many parameters: \(pattern)")
    }
}

/// The route that a path has found, and where its parameters lie in the head.
struct RouteMatch {
    struct Piece {
        var start: UInt16 = 0
        var length: UInt16 = 0
    }

    static let maximumParameters = 8
    var route = 0
    var parameterCount = 0
    var parameters = InlineArray<8, Piece>(repeating: Piece())
}

/// A tree of segments in flat arrays; matching allocates nothing.
struct RouteTable: Sendable {
    private struct Node {
        var segment: Kind
        var literalStart = 0
        var literalLength = 0
        var firstChild = -1
        var nextSibling = -1
        var route = -1
    }

    /// In order of preference among siblings.
    private enum Kind: UInt8, Comparable {
        case literal, parameter, rest
        static func < (left: Kind, right: Kind) -> Bool { left.rawValue < right.rawValue }
    }

    private var nodes = [Node(segment: .literal)]
    private var literals: [UInt8] = []

    /// Adds a pattern; the index of its route: `next`, or that of the same pattern added before.
    mutating func insert(_ pattern: RoutePattern, next: Int) -> Int {
        var node = 0
        for segment in pattern.segments { node = child(of: node, for: segment) }
        if nodes[node].route < 0 { nodes[node].route = next }
        return nodes[node].route
    }

    private mutating func child(of parent: Int, for segment: RoutePattern.Segment) -> Int {
        var fresh: Node
        switch segment {
        case .literal(let bytes):
            fresh = Node(segment: .literal, literalStart: literals.count, literalLength: bytes.count)
            if let known = children(of: parent).first(where: { isLiteral($0, bytes) }) { return known }
            literals += bytes
        case .parameter: fresh = Node(segment: .parameter)
        case .rest: fresh = Node(segment: .rest)
        }
        if fresh.segment != .literal, let known = children(of: parent).first(where: { nodes[$0].segment == fresh.segment }) {
            return known
        }
        return link(&fresh, under: parent)
    }

    private mutating func link(_ fresh: inout Node, under parent: Int) -> Int {
        let index = nodes.count
        let before = children(of: parent).last { nodes[$0].segment <= fresh.segment }
        fresh.nextSibling = before.map { nodes[$0].nextSibling } ?? nodes[parent].firstChild
        nodes.append(fresh)
        if let before { nodes[before].nextSibling = index } else { nodes[parent].firstChild = index }
        return index
    }

    private func children(of parent: Int) -> [Int] {
        Array(sequence(first: nodes[parent].firstChild) { nodes[$0].nextSibling }.prefix { $0 >= 0 })
    }

    private func isLiteral(_ node: Int, _ bytes: [UInt8]) -> Bool {
        let node = nodes[node]
        return node.segment == .literal
            && literals[node.literalStart..<node.literalStart + node.literalLength].elementsEqual(bytes)
    }

    /// Finds the route of `path`.
    /// - Parameter pathStart: where the path lies in the head; parameters are given as offsets from the head's first byte.
    func match(_ path: ByteView, pathStart: Int, into match: inout RouteMatch) -> Bool {
        guard !path.isEmpty, path[0] == .slash else { return false }
        return descend(from: 0, path, at: 1, pathStart: pathStart, into: &match)
    }

    /// Matches the segment that begins at `position`; as deep as the deepest pattern, whatever the path.
    private func descend(from parent: Int, _ path: ByteView, at position: Int, pathStart: Int, into match: inout RouteMatch)
        -> Bool
    {
        guard position <= path.count else { return settle(on: parent, pathEnd: pathStart + path.count, into: &match) }
        let end = path.firstIndex(of: .slash, from: position) ?? path.count
        var child = nodes[parent].firstChild
        while child >= 0 {
            let node = nodes[child]
            let parametersBefore = match.parameterCount
            if node.segment == .rest {
                note(pathStart + position, path.count - position, in: &match)
                match.route = node.route
                return true
            }
            if accepts(node, path[position..<end]) {
                if node.segment == .parameter { note(pathStart + position, end - position, in: &match) }
                if descend(from: child, path, at: end + 1, pathStart: pathStart, into: &match) { return true }
                match.parameterCount = parametersBefore
            }
            child = node.nextSibling
        }
        return false
    }

    /// The path has ended at `node`: its own route, or that of an empty rest below it.
    private func settle(on node: Int, pathEnd: Int, into match: inout RouteMatch) -> Bool {
        if nodes[node].route >= 0 {
            match.route = nodes[node].route
            return true
        }
        var child = nodes[node].firstChild
        while child >= 0 {
            if nodes[child].segment == .rest {
                note(pathEnd, 0, in: &match)
                match.route = nodes[child].route
                return true
            }
            child = nodes[child].nextSibling
        }
        return false
    }

    private func accepts(_ node: Node, _ segment: ByteView) -> Bool {
        guard node.segment == .literal else { return !segment.isEmpty }
        guard segment.count == node.literalLength else { return false }
        for index in 0..<segment.count where literals[node.literalStart + index] != segment.buffer[index] { return false }
        return true
    }

    private func note(_ start: Int, _ length: Int, in match: inout RouteMatch) {
        match.parameters[match.parameterCount] = RouteMatch.Piece(start: UInt16(start), length: UInt16(length))
        match.parameterCount += 1
    }
}
