#include "CPNG.h"

#include <png.h>
#include <setjmp.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
  const uint8_t *bytes;
  size_t count, position;
} source;

// A chunk may make libpng allocate this much: colour profiles are a few kilobytes.
enum { chunk_bytes_limit = 8 << 20 };

static void fail(png_structp png, png_const_charp text) {
  char *message = png_get_error_ptr(png);
  strncpy(message, text, lumi_png_message_bytes - 1);
  message[lumi_png_message_bytes - 1] = 0;
  longjmp(png_jmpbuf(png), 1);
}

static void ignore(png_structp png, png_const_charp text) {
  (void)png;
  (void)text;
}

static void take(png_structp png, png_bytep out, size_t count) {
  source *from = png_get_io_ptr(png);
  if (count > from->count - from->position) png_error(png, "the file ends inside the image");
  memcpy(out, from->bytes + from->position, count);
  from->position += count;
}

static void put(png_structp png, png_bytep bytes, size_t count) {
  lumi_png_output *output = png_get_io_ptr(png);
  if (count > output->capacity - output->count) {
    size_t capacity = (output->count + count) * 2;
    uint8_t *grown = realloc(output->bytes, capacity);
    if (!grown) png_error(png, "out of memory");
    output->bytes = grown;
    output->capacity = capacity;
  }
  memcpy(output->bytes + output->count, bytes, count);
  output->count += count;
}

static void flush(png_structp png) { (void)png; }

// Palette, transparency and depths below 8 become plain grey, grey+alpha, RGB or RGBA.
static void read_header(png_structp png, png_infop pngInfo, source *from, lumi_png_info *info) {
  png_set_read_fn(png, from, take);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_chunk_malloc_max(png, chunk_bytes_limit);
  png_set_chunk_cache_max(png, 128);
  png_read_info(png, pngInfo);
  info->width = png_get_image_width(png, pngInfo);
  info->height = png_get_image_height(png, pngInfo);
  info->storedBitDepth = png_get_bit_depth(png, pngInfo);
  info->palette = png_get_color_type(png, pngInfo) == PNG_COLOR_TYPE_PALETTE;
  info->interlaced = png_get_interlace_type(png, pngInfo) != PNG_INTERLACE_NONE;
  info->inflatedBytes = (uint64_t)info->height * png_get_rowbytes(png, pngInfo);
  if (!png_get_gAMA(png, pngInfo, &info->gamma)) info->gamma = 0;
  png_set_expand(png);
  if (info->storedBitDepth == 16) png_set_swap(png);
  png_set_interlace_handling(png);
  png_read_update_info(png, pngInfo);
  info->bitDepth = png_get_bit_depth(png, pngInfo);
  info->channels = png_get_channels(png, pngInfo);
}

static int read_png(const uint8_t *bytes, size_t count, lumi_png_info *info, uint8_t *pixels) {
  info->message[0] = 0;
  source from = {bytes, count, 0};
  png_structp png = png_create_read_struct(PNG_LIBPNG_VER_STRING, info->message, fail, ignore);
  if (!png) return 1;
  png_infop pngInfo = png_create_info_struct(png);
  png_bytep *volatile rows = NULL;
  if (!pngInfo || setjmp(png_jmpbuf(png))) {
    free(rows);
    png_destroy_read_struct(&png, &pngInfo, NULL);
    return 1;
  }
  uint32_t width = info->width, height = info->height;
  size_t rowBytes = (size_t)width * info->channels * (info->bitDepth / 8);
  read_header(png, pngInfo, &from, info);
  if (pixels) {
    if (width != info->width || height != info->height
        || rowBytes != png_get_rowbytes(png, pngInfo)) {
      png_error(png, "the header changed between two readings");
    }
    rows = malloc(height * sizeof(png_bytep));
    if (!rows) png_error(png, "out of memory");
    for (uint32_t row = 0; row < height; row++) rows[row] = pixels + row * rowBytes;
    png_read_image(png, rows);
    png_read_end(png, NULL);
  }
  free(rows);
  png_destroy_read_struct(&png, &pngInfo, NULL);
  return 0;
}

int lumi_png_read_info(const uint8_t *bytes, size_t count, lumi_png_info *info) {
  memset(info, 0, sizeof *info);
  return read_png(bytes, count, info, NULL);
}

int lumi_png_read_pixels(const uint8_t *bytes, size_t count, lumi_png_info *info, uint8_t *pixels) {
  return read_png(bytes, count, info, pixels);
}

int lumi_png_write(
  const uint8_t *pixels, uint32_t width, uint32_t height, int channels, int bitDepth, int srgb,
  int interlaced, lumi_png_output *output) {
  static const int types[] = {
    PNG_COLOR_TYPE_GRAY, PNG_COLOR_TYPE_GRAY_ALPHA, PNG_COLOR_TYPE_RGB, PNG_COLOR_TYPE_RGB_ALPHA};
  memset(output, 0, sizeof *output);
  png_structp png = png_create_write_struct(PNG_LIBPNG_VER_STRING, output->message, fail, ignore);
  if (!png) return 1;
  png_infop pngInfo = png_create_info_struct(png);
  png_bytep *volatile rows = NULL;
  if (!pngInfo || setjmp(png_jmpbuf(png))) {
    free(rows);
    png_destroy_write_struct(&png, &pngInfo);
    return 1;
  }
  png_set_write_fn(png, output, put, flush);
  png_set_user_limits(png, 0x7fffffff, 0x7fffffff);
  png_set_IHDR(
    png, pngInfo, width, height, bitDepth, types[channels - 1],
    interlaced ? PNG_INTERLACE_ADAM7 : PNG_INTERLACE_NONE, PNG_COMPRESSION_TYPE_DEFAULT,
    PNG_FILTER_TYPE_DEFAULT);
  if (srgb) png_set_sRGB_gAMA_and_cHRM(png, pngInfo, PNG_sRGB_INTENT_PERCEPTUAL);
  png_write_info(png, pngInfo);
  if (bitDepth == 16) png_set_swap(png);
  size_t rowBytes = (size_t)width * channels * (bitDepth / 8);
  rows = malloc(height * sizeof(png_bytep));
  if (!rows) png_error(png, "out of memory");
  for (uint32_t row = 0; row < height; row++) rows[row] = (png_bytep)pixels + row * rowBytes;
  png_write_image(png, rows);
  png_write_end(png, NULL);
  free(rows);
  png_destroy_write_struct(&png, &pngInfo);
  return 0;
}
