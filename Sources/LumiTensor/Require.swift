/// Stops the program with `message` unless `condition` holds.
///
/// Unlike `precondition`, whose message optimised builds drop, this says what was wrong in every
/// build.
@inline(__always)
package func require(
  _ condition: @autoclosure () -> Bool, _ message: @autoclosure () -> String,
  file: StaticString = #fileID, line: UInt = #line
) {
  if !condition() { fatalError(message(), file: file, line: line) }
}
