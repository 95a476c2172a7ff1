#include "CPNG.h"

#include <limits.h>
#include <string.h>
#include <zlib.h>

int lumi_inflate(const uint8_t *in, size_t inCount, uint8_t *out, size_t outCount) {
  // zlib counts in unsigned int, so a larger member would need several calls.
  if (inCount > UINT_MAX || outCount > UINT_MAX) return 1;
  z_stream stream;
  memset(&stream, 0, sizeof stream);
  if (inflateInit2(&stream, -MAX_WBITS) != Z_OK) return 1;
  stream.next_in = (Bytef *)in;
  stream.avail_in = (uInt)inCount;
  stream.next_out = out;
  stream.avail_out = (uInt)outCount;
  int status = inflate(&stream, Z_FINISH);
  int complete = status == Z_STREAM_END && stream.total_out == outCount;
  inflateEnd(&stream);
  return complete ? 0 : 1;
}

uint32_t lumi_crc32(const uint8_t *bytes, size_t count) {
  return (uint32_t)crc32_z(crc32(0, Z_NULL, 0), bytes, count);
}
