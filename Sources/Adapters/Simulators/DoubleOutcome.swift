/// How a call that a double makes comes out: the called number decides, by its last two digits as causes of Q.850.
enum DoubleOutcome {
    case answered
    /// `…17`
    case busy
    /// `…19`
    case noAnswer

    init(calling number: String) {
        self = number.hasSuffix("17") ? .busy : number.hasSuffix("19") ? .noAnswer : .answered
    }
}
