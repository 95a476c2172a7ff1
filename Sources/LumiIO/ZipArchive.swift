import CPNG

/// As much of zip as NPZ needs: stored and deflated members, no encryption, one disk. Zip64 is
/// read where NumPy writes it, in extra fields of small archives.
enum ZipArchive {
  struct Member {
    var name: String
    var method: UInt16
    var crc: UInt32
    var packedCount: Int
    var count: Int
    var localOffset: Int
  }

  private static let endSignature: [UInt8] = [0x50, 0x4b, 0x05, 0x06]
  private static let mostMembers = 65535

  private static func fail(
    _ file: String, _ place: FileError.Place, _ cause: FileError.Cause, _ message: String
  ) -> FileError {
    FileError(file: file, place: place, cause: cause, message: message)
  }

  /// Lists the central directory. Nothing is unpacked, but every size is checked: deflate shrinks
  /// at most 1032 times, and all members together must stay within the limit.
  static func members(
    _ bytes: [UInt8], file: String, limits: ReadLimits
  ) throws(FileError) -> [Member] {
    var cursor = ByteCursor(file: file, bytes: bytes)
    guard let end = endRecord(bytes) else {
      throw fail(
        file, .byte(bytes.count), bytes.count < 22 ? .truncated : .malformed,
        "a zip archive's end record expected")
    }
    cursor.position = end + 10
    let memberCount = Int(try cursor.integer(UInt16.self))
    _ = try cursor.integer(UInt32.self)
    cursor.position = Int(try cursor.integer(UInt32.self))
    guard cursor.position <= end else {
      throw fail(file, .byte(end), .outOfRange, "directory at \(cursor.position)")
    }
    var result: [Member] = []
    var total = 0
    for _ in 0..<memberCount {
      let member = try directoryEntry(&cursor)
      guard member.count <= member.packedCount * 1032 + 64 else {
        throw fail(
          file, .part("member \(quoted(member.name))"), .malformed,
          "\(member.count) bytes cannot come from \(member.packedCount)")
      }
      total += member.count
      guard total <= limits.fileBytes else {
        throw fail(
          file, .part("member \(quoted(member.name))"), .limitExceeded,
          "\(total) unpacked bytes, the limit is \(limits.fileBytes)")
      }
      result.append(member)
    }
    return result
  }

  /// The record sits at the end, before a comment of at most 65,535 bytes.
  private static func endRecord(_ bytes: [UInt8]) -> Int? {
    guard bytes.count >= 22 else { return nil }
    let first = max(0, bytes.count - 22 - 65535)
    return stride(from: bytes.count - 22, through: first, by: -1).first {
      bytes[$0..<$0 + 4].elementsEqual(endSignature)
    }
  }

  private static func directoryEntry(_ cursor: inout ByteCursor) throws(FileError) -> Member {
    let start = cursor.position
    guard try cursor.integer(UInt32.self) == 0x0201_4b50 else {
      throw fail(cursor.file, .byte(start), .malformed, "a directory entry expected")
    }
    _ = try cursor.take(4)
    let flags = try cursor.integer(UInt16.self)
    let method = try cursor.integer(UInt16.self)
    _ = try cursor.take(4)
    let crc = try cursor.integer(UInt32.self)
    var packedCount = Int(try cursor.integer(UInt32.self))
    var count = Int(try cursor.integer(UInt32.self))
    let nameCount = Int(try cursor.integer(UInt16.self))
    let extraCount = Int(try cursor.integer(UInt16.self))
    let commentCount = Int(try cursor.integer(UInt16.self))
    _ = try cursor.take(8)
    let localOffset = Int(try cursor.integer(UInt32.self))
    let name = String(decoding: try cursor.take(nameCount), as: UTF8.self)
    let extra = Array(try cursor.take(extraCount))
    _ = try cursor.take(commentCount)
    guard flags & 1 == 0 else {
      throw fail(cursor.file, .part("member \(quoted(name))"), .unsupported, "encryption")
    }
    if count == 0xffff_ffff || packedCount == 0xffff_ffff {
      try readZip64(extra, cursor.file, &count, &packedCount)
    }
    return Member(
      name: name, method: method, crc: crc, packedCount: packedCount, count: count,
      localOffset: localOffset)
  }

  private static func readZip64(
    _ extra: [UInt8], _ file: String, _ count: inout Int, _ packedCount: inout Int
  ) throws(FileError) {
    var cursor = ByteCursor(file: file, bytes: extra)
    while cursor.remaining >= 4 {
      let tag = try cursor.integer(UInt16.self)
      var field = ByteCursor(
        file: file, bytes: Array(try cursor.take(Int(try cursor.integer(UInt16.self)))))
      guard tag == 1 else { continue }
      if count == 0xffff_ffff { count = try size(&field) }
      if packedCount == 0xffff_ffff { packedCount = try size(&field) }
      return
    }
  }

  /// A 64-bit size, small enough to be multiplied safely.
  private static func size(_ cursor: inout ByteCursor) throws(FileError) -> Int {
    let size = try cursor.integer(UInt64.self)
    guard size < 1 << 48 else { throw fail(cursor.file, .file, .limitExceeded, "size \(size)") }
    return Int(size)
  }

  /// A member's bytes, with its checksum verified.
  static func content(
    of member: Member, in bytes: [UInt8], file: String
  ) throws(FileError) -> [UInt8] {
    let place = FileError.Place.part("member \(quoted(member.name))")
    var cursor = ByteCursor(file: file, bytes: bytes)
    _ = try cursor.take(min(member.localOffset, bytes.count))
    guard try cursor.integer(UInt32.self) == 0x0403_4b50 else {
      throw fail(file, place, .malformed, "no local header at byte \(member.localOffset)")
    }
    _ = try cursor.take(22)
    let nameCount = Int(try cursor.integer(UInt16.self))
    let extraCount = Int(try cursor.integer(UInt16.self))
    _ = try cursor.take(nameCount + extraCount)
    let packed = try cursor.take(member.packedCount)
    let content = try unpacked(packed, member, file, place)
    guard lumi_crc32(content, content.count) == member.crc else {
      throw fail(file, place, .malformed, "the checksum is wrong")
    }
    return content
  }

  private static func unpacked(
    _ packed: ArraySlice<UInt8>, _ member: Member, _ file: String, _ place: FileError.Place
  ) throws(FileError) -> [UInt8] {
    switch member.method {
    case 0:
      guard packed.count == member.count else {
        throw fail(file, place, .malformed, "\(packed.count) stored bytes for \(member.count)")
      }
      return Array(packed)
    case 8:
      var status: Int32 = 1
      let content = [UInt8](unsafeUninitializedCapacity: member.count) { out, written in
        status = packed.withUnsafeBufferPointer {
          lumi_inflate($0.baseAddress, $0.count, out.baseAddress, member.count)
        }
        written = status == 0 ? member.count : 0
      }
      guard status == 0 else { throw fail(file, place, .malformed, "the deflate stream is broken") }
      return content
    default:
      throw fail(file, place, .unsupported, "compression method \(member.method)")
    }
  }

  /// An archive of uncompressed members; nil if it would need Zip64.
  static func stored(_ members: [(name: String, bytes: [UInt8])]) -> [UInt8]? {
    let total = members.reduce(22) { $0 + $1.bytes.count + 2 * $1.name.utf8.count + 76 }
    guard total < 0xffff_ffff, members.count <= mostMembers else { return nil }
    var archive: [UInt8] = []
    var directory: [UInt8] = []
    for (name, bytes) in members {
      let offset = UInt32(archive.count)
      let crc = lumi_crc32(bytes, bytes.count)
      archive.append(littleEndian: 0x0403_4b50 as UInt32)
      appendFields(to: &archive, name, bytes, crc)
      archive += name.utf8
      archive += bytes
      directory.append(littleEndian: 0x0201_4b50 as UInt32)
      directory.append(littleEndian: 20 as UInt16)
      appendFields(to: &directory, name, bytes, crc)
      directory += [UInt8](repeating: 0, count: 10)
      directory.append(littleEndian: offset)
      directory += name.utf8
    }
    let start = UInt32(archive.count)
    archive += directory
    archive += endSignature + [0, 0, 0, 0]
    archive.append(littleEndian: UInt16(members.count))
    archive.append(littleEndian: UInt16(members.count))
    archive.append(littleEndian: UInt32(directory.count))
    archive.append(littleEndian: start)
    archive += [0, 0]
    return archive
  }

  /// What local headers and the directory share: version to the extra field's length. The date
  /// is fixed, 1 January 1980, so that equal arrays give equal files.
  private static func appendFields(
    to out: inout [UInt8], _ name: String, _ bytes: [UInt8], _ crc: UInt32
  ) {
    for field in [20, 0x0800, 0, 0, 0x21] as [UInt16] { out.append(littleEndian: field) }
    out.append(littleEndian: crc)
    out.append(littleEndian: UInt32(bytes.count))
    out.append(littleEndian: UInt32(bytes.count))
    out.append(littleEndian: UInt16(name.utf8.count))
    out.append(littleEndian: 0 as UInt16)
  }
}
