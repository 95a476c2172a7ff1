#ifndef CPNG_H
#define CPNG_H

#include <stddef.h>
#include <stdint.h>

// libpng reports errors by longjmp, which must not cross Swift frames. These functions keep every
// jump inside C and return 0, or nonzero with a message in `message`.

enum { lumi_png_message_bytes = 200 };

typedef struct {
  uint32_t width, height;
  // As stored: 1, 2, 4, 8 or 16.
  uint8_t storedBitDepth;
  // After expansion of palettes, transparency and small depths: 8 or 16, and 1...4 channels.
  uint8_t bitDepth, channels;
  uint8_t interlaced, palette;
  // The gAMA chunk's exponent, or 0 if the file has none.
  double gamma;
  // Bytes that inflating all rows yields; no honest file is more than about 1032 times smaller.
  uint64_t inflatedBytes;
  char message[lumi_png_message_bytes];
} lumi_png_info;

int lumi_png_read_info(const uint8_t *bytes, size_t count, lumi_png_info *info);

// Fills `pixels` with height x width x channels samples in native byte order. `info` is what
// lumi_png_read_info gave for the same bytes.
int lumi_png_read_pixels(const uint8_t *bytes, size_t count, lumi_png_info *info, uint8_t *pixels);

typedef struct {
  uint8_t *bytes;
  size_t count, capacity;
  char message[lumi_png_message_bytes];
} lumi_png_output;

// Encodes samples in native byte order. The caller frees `output->bytes` with free(), also after
// an error. `srgb` marks the file as sRGB-encoded.
int lumi_png_write(
  const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int bitDepth, int srgb,
  int interlaced, lumi_png_output *output);

// Raw deflate, as in zip members. Succeeds only if the stream ends exactly at `outCount` bytes.
int lumi_inflate(const uint8_t *in, size_t inCount, uint8_t *out, size_t outCount);
uint32_t lumi_crc32(const uint8_t *bytes, size_t count);

#endif
