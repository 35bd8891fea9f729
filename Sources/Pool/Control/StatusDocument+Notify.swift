extension StatusDocument {
  /// Who is told of what is wrong.
  public struct Notify: Hashable, Sendable, Codable {
    /// Conditions that hold.
    public var firing: Int
    /// In the order of the settings.
    public var receivers: [Receiver]

    public init(firing: Int, receivers: [Receiver]) {
      self.firing = firing
      self.receivers = receivers
    }

    public struct Receiver: Hashable, Sendable, Codable {
      public var name: String
      /// Messages on their way.
      public var waiting: Int
      public var deliveredTotal: Int
      /// Refused, or given up after many attempts or a long time.
      public var failedTotal: Int
      /// There was no room for them.
      public var droppedTotal: Int
      /// Why the last attempt failed; nil: it did not.
      public var trouble: String?

      public init(
        name: String, waiting: Int, deliveredTotal: Int, failedTotal: Int, droppedTotal: Int, trouble: String?
      ) {
        self.name = name
        self.waiting = waiting
        self.deliveredTotal = deliveredTotal
        self.failedTotal = failedTotal
        self.droppedTotal = droppedTotal
        self.trouble = trouble
      }

      enum CodingKeys: String, CodingKey {
        case name, waiting, trouble
        case deliveredTotal = "delivered_total"
        case failedTotal = "failed_total"
        case droppedTotal = "dropped_total"
      }
    }
  }
}
