// Binning of faces to square tiles, exact: two passes count and then fill lists of the size needed.
#include "raster_binning.h"

#include <math.h>
#include <stdlib.h>

#include "include/lumi_runtime.h"

void *raster_allocate(size_t count, size_t size) {
  size_t bytes;
  if (__builtin_mul_overflow(count, size, &bytes)) return NULL;
  return malloc(bytes ? bytes : 1);
}

bool raster_frame_is_valid(const lumi_raster_frame *frame) {
  const int64_t longest = 1 << 20;
  if (frame->real != LUMI_FLOAT32 && frame->real != LUMI_FLOAT64) return false;
  if (frame->height < 1 || frame->height > longest) return false;
  if (frame->width < 1 || frame->width > longest) return false;
  if (frame->batch < 0 || frame->faces < 0 || frame->faces > INT32_MAX) return false;
  int64_t count;
  return !__builtin_mul_overflow(frame->batch, frame->height * frame->width, &count) &&
         count <= INT64_MAX / 64 && !__builtin_mul_overflow(frame->batch, frame->faces, &count) &&
         count <= INT64_MAX / 1024;
}

// First or last pixel of a row of `count` at or beyond a position; clamped before the conversion.
static int32_t clampPixel(double position, int32_t count) {
  return (int32_t)fmin(fmax(position, -1), count);
}

raster_box raster_box_of(
    const lumi_raster_frame *frame, double x0, double x1, double y0, double y1) {
  int32_t height = (int32_t)frame->height, width = (int32_t)frame->width;
  double shorter = height < width ? height : width;
  double margin = 1e-3 + 1e-6 * shorter;
  int32_t left = clampPixel(ceil((x0 * shorter + width - 1) / 2 - margin), width);
  int32_t right = clampPixel(floor((x1 * shorter + width - 1) / 2 + margin), width);
  int32_t top = clampPixel(ceil((height - 1 - y1 * shorter) / 2 - margin), height);
  int32_t bottom = clampPixel(floor((height - 1 - y0 * shorter) / 2 + margin), height);
  raster_box box = {
      top < 0 ? 0 : top, bottom < height ? bottom : height - 1, left < 0 ? 0 : left,
      right < width ? right : width - 1};
  if (box.left > box.right || box.top > box.bottom) box = (raster_box){0, -1, 0, -1};
  return box;
}

lumi_raster_status raster_bins_create(raster_bins *bins, const lumi_raster_frame *frame) {
  int32_t tileRows = (int32_t)((frame->height + RASTER_TILE - 1) / RASTER_TILE);
  int32_t tileColumns = (int32_t)((frame->width + RASTER_TILE - 1) / RASTER_TILE);
  *bins = (raster_bins){
      .batch = frame->batch,
      .faces = frame->faces,
      .height = (int32_t)frame->height,
      .width = (int32_t)frame->width,
      .tile_rows = tileRows,
      .tile_columns = tileColumns,
      .tiles = (size_t)frame->batch * (size_t)tileRows * (size_t)tileColumns,
  };
  bins->boxes = raster_allocate((size_t)(bins->batch * bins->faces), sizeof(raster_box));
  return bins->boxes ? LUMI_RASTER_OK : LUMI_RASTER_NO_MEMORY;
}

static int64_t tileCount(raster_box box) {
  if (box.bottom < box.top) return 0;
  raster_tile_range range = raster_tiles_of(box);
  return (int64_t)(range.bottom - range.top + 1) * (range.right - range.left + 1);
}

lumi_raster_status raster_bins_count(raster_bins *bins) {
  size_t count = (size_t)(bins->batch * bins->faces);
  bins->face_offsets = raster_allocate(count + 1, sizeof(int64_t));
  if (!bins->face_offsets) return LUMI_RASTER_NO_MEMORY;
  int64_t sum = 0;
  for (size_t i = 0; i < count; ++i) {
    bins->face_offsets[i] = sum;
    if (__builtin_add_overflow(sum, tileCount(bins->boxes[i]), &sum)) return LUMI_RASTER_NO_MEMORY;
  }
  bins->face_offsets[count] = sum;
  return LUMI_RASTER_OK;
}

// Calls for each tile of a face: counts it, or writes the face at the tile's cursor.
static void visitView(raster_bins *bins, size_t view, int64_t *cursors, int32_t *list) {
  const raster_box *boxes = bins->boxes + view * (size_t)bins->faces;
  cursors += view * (size_t)bins->tile_rows * (size_t)bins->tile_columns;
  for (int64_t face = 0; face < bins->faces; ++face) {
    if (boxes[face].bottom < boxes[face].top) continue;
    raster_tile_range range = raster_tiles_of(boxes[face]);
    for (int32_t row = range.top; row <= range.bottom; ++row) {
      int64_t *cursor = cursors + (int64_t)row * bins->tile_columns;
      for (int32_t column = range.left; column <= range.right; ++column) {
        if (list) list[cursor[column]] = (int32_t)face;
        cursor[column] += 1;
      }
    }
  }
}

static void countView(void *context, size_t view) {
  raster_bins *bins = context;
  visitView(bins, view, bins->tile_offsets, NULL);
}

static void listView(void *context, size_t view) {
  raster_bins *bins = context;
  visitView(bins, view, bins->tile_offsets, bins->tile_faces);
}

lumi_raster_status raster_bins_list(raster_bins *bins) {
  int64_t entries = bins->face_offsets[bins->batch * bins->faces];
  bins->tile_faces = raster_allocate((size_t)entries, sizeof(int32_t));
  bins->tile_offsets = calloc(bins->tiles + 1, sizeof(int64_t));
  if (!bins->tile_faces || !bins->tile_offsets) return LUMI_RASTER_NO_MEMORY;
  lumi_parallel_for((size_t)bins->batch, bins, countView);
  int64_t sum = 0;
  for (size_t tile = 0; tile < bins->tiles; ++tile) {
    int64_t count = bins->tile_offsets[tile];
    bins->tile_offsets[tile] = sum;
    sum += count;
  }
  lumi_parallel_for((size_t)bins->batch, bins, listView);
  // Filling moved every cursor to the end of its tile, which is where the next one starts.
  for (size_t tile = bins->tiles; tile > 0; --tile)
    bins->tile_offsets[tile] = bins->tile_offsets[tile - 1];
  bins->tile_offsets[0] = 0;
  return LUMI_RASTER_OK;
}

void raster_bins_free(raster_bins *bins) {
  free(bins->boxes);
  free(bins->face_offsets);
  free(bins->tile_offsets);
  free(bins->tile_faces);
  *bins = (raster_bins){0};
}

raster_tile raster_tile_at(const raster_bins *bins, size_t index) {
  size_t perView = (size_t)bins->tile_rows * (size_t)bins->tile_columns;
  int32_t within = (int32_t)(index % perView);
  raster_tile tile = {.view = (int64_t)(index / perView)};
  tile.row = within / bins->tile_columns;
  tile.column = within % bins->tile_columns;
  tile.top = tile.row * RASTER_TILE;
  tile.left = tile.column * RASTER_TILE;
  tile.bottom = tile.top + RASTER_TILE < bins->height ? tile.top + RASTER_TILE : bins->height;
  tile.right = tile.left + RASTER_TILE < bins->width ? tile.left + RASTER_TILE : bins->width;
  return tile;
}
