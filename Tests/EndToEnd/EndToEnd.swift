import TestSupport
import Testing

/// The real binary, over real sockets. One test at a time: each has the machine to itself.
@Suite(.serialized, .onItsOwnThread) enum EndToEnd {}
