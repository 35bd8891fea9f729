/// Why a head was refused. Whatever two parties on the way could read in two ways is refused, never repaired.
public enum HeadRefusal: UInt8, Error, BitwiseCopyable, Sendable, CaseIterable {
  // The start line.
  case malformedRequestLine, malformedStatusLine
  case unsupportedMethod, methodTooLong
  case badTarget, targetTooLong
  case unsupportedVersion
  // Every line.
  case bareLineFeed, bareCarriageReturn, controlByte
  // The field section.
  case headTooLarge, tooManyFields, fieldNameTooLong
  case foldedField, missingColon, emptyFieldName, spaceBeforeColon, badFieldName
  // What frames the message.
  case lengthAndEncoding, duplicateLength, badLength, lengthTooLarge
  case duplicateEncoding, badEncoding, unknownEncoding, encodingInHTTP10, disguisedFraming
  // What routes it and rules the connection.
  case missingHost, duplicateHost, badHost
  case badConnection, tooManyConnectionOptions
  case unknownExpectation, unexpectedUpgrade

  /// The status for the agent that sent such a head.
  public var status: Int {
    switch self {
    case .malformedRequestLine, .malformedStatusLine, .badTarget, .bareLineFeed, .bareCarriageReturn, .controlByte,
      .foldedField, .missingColon, .emptyFieldName, .spaceBeforeColon, .badFieldName, .lengthAndEncoding,
      .duplicateLength, .badLength, .duplicateEncoding, .badEncoding, .encodingInHTTP10, .disguisedFraming,
      .missingHost, .duplicateHost, .badHost, .badConnection, .unexpectedUpgrade:
      400
    case .lengthTooLarge: 413
    case .targetTooLong: 414
    case .unknownExpectation: 417
    case .headTooLarge, .tooManyFields, .fieldNameTooLong, .tooManyConnectionOptions: 431
    case .unsupportedMethod, .methodTooLong, .unknownEncoding: 501
    case .unsupportedVersion: 505
    }
  }

  /// One sentence for the body of the error response and for the log.
  public var explanation: String {
    switch self {
    case .malformedRequestLine: "The request line is not METHOD SP TARGET SP HTTP/1.1."
    case .malformedStatusLine: "The status line is not HTTP/1.1 SP STATUS SP REASON."
    case .unsupportedMethod: "The methods CONNECT and TRACE are not served here."
    case .methodTooLong: "The method's name is longer than \(RequestHead.maxMethodBytes) bytes."
    case .badTarget: "The request target is not a path or http(s) URL, or holds bytes that must be percent-encoded."
    case .targetTooLong: "The request target is longer than the limit."
    case .unsupportedVersion: "Only HTTP/1.1 and HTTP/1.0 are served here."
    case .bareLineFeed: "A line ends in LF without CR."
    case .bareCarriageReturn: "The head holds a CR that no LF follows."
    case .controlByte: "The head holds a control byte."
    case .headTooLarge: "The head is larger than the limit."
    case .tooManyFields: "The head has more header fields than the limit."
    case .fieldNameTooLong: "A header field's name is longer than \(FieldSection.maxNameBytes) bytes."
    case .foldedField: "A header field starts with white space or is folded over lines."
    case .missingColon: "A header field has no colon."
    case .emptyFieldName: "A header field has no name."
    case .spaceBeforeColon: "There is white space between a header field's name and its colon."
    case .badFieldName: "A header field's name holds a byte that names may not hold."
    case .lengthAndEncoding: "The head has both Content-Length and Transfer-Encoding."
    case .duplicateLength: "The head has more than one Content-Length."
    case .badLength: "Content-Length is not a decimal number."
    case .lengthTooLarge: "Content-Length is beyond any limit."
    case .duplicateEncoding: "The head has more than one Transfer-Encoding."
    case .badEncoding: "Transfer-Encoding is malformed, or chunked is not its last coding."
    case .unknownEncoding: "The only transfer coding served here is chunked."
    case .encodingInHTTP10: "HTTP/1.0 has no Transfer-Encoding."
    case .disguisedFraming: "A header field's name could be read as Content-Length or Transfer-Encoding."
    case .missingHost: "An HTTP/1.1 request needs a Host header field."
    case .duplicateHost: "The head has more than one Host header field."
    case .badHost: "The host is not a name or address with an optional port."
    case .badConnection: "The Connection header field is malformed."
    case .tooManyConnectionOptions:
      "The Connection header field names more than \(FieldSection.maxConnectionOptions) other fields."
    case .unknownExpectation: "The only expectation served here is 100-continue."
    case .unexpectedUpgrade: "The answer switches protocols, which was not asked for."
    }
  }
}
