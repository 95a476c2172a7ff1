/// Why a file could not be read or written: which file, where in it, and what was wrong.
public struct FileError: Error, Sendable, Equatable {
  /// What kind of fault it is; the details are in ``message``.
  public enum Cause: String, Sendable {
    /// The file does not exist, is not a regular file, or the system refuses to read it.
    case unreadable
    /// The file ends before its content does.
    case truncated
    /// The content breaks the rules of its format.
    case malformed
    /// Valid, but a part of the format that this package does not read.
    case unsupported
    /// Larger than ``ReadLimits`` allows, or than the file's own size can hold.
    case limitExceeded
    /// An index or count points outside of what the file holds.
    case outOfRange
    /// A NaN or an infinity where a finite number is needed.
    case notFinite
    /// A key, member or property that must be there is not.
    case missing
    /// The file could not be written; what was there before is untouched.
    case unwritable
  }

  /// Where in the file.
  public enum Place: Sendable, Equatable, CustomStringConvertible {
    case file
    /// Offset from the start, from 0.
    case byte(Int)
    /// Line number, from 1.
    case line(Int)
    /// A named part: "vertex 12", "key inputs.vertices", "accessors[3]".
    case part(String)

    public var description: String {
      switch self {
      case .file: ""
      case .byte(let offset): "byte \(offset)"
      case .line(let number): "line \(number)"
      case .part(let name): name
      }
    }
  }

  /// Path as the caller gave it.
  public var file: String
  public var place: Place
  public var cause: Cause
  /// What was expected and what was found.
  public var message: String

  public init(file: String, place: Place = .file, cause: Cause, message: String) {
    self.file = file
    self.place = place
    self.cause = cause
    self.message = message
  }
}

extension FileError: CustomStringConvertible {
  public var description: String {
    let position = place == .file ? "" : ", \(place)"
    return "\(file)\(position): \(message) (\(cause.rawValue))"
  }
}

/// Text from a file, safe to put into an error message.
func quoted(_ text: some StringProtocol) -> String {
  let short = text.unicodeScalars.prefix(40).map { $0.isASCII && $0.value >= 32 ? $0 : "?" }
  var result = String.UnicodeScalarView()
  result.append(contentsOf: short)
  return "\"\(String(result))\(text.unicodeScalars.count > 40 ? "…" : "")\""
}
