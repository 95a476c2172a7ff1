// Which tiles of the image each face may touch, and the reverse.
#ifndef RASTER_BINNING_H
#define RASTER_BINNING_H

#include <stdbool.h>

#include "include/lumi_raster.h"

// Side of a square tile in pixels. With soft silhouettes of 5,856 faces at 256 x 256, 16 takes
// about a fifth longer and 64 a tenth less (two threads), but 64 leaves only 16 tiles to share out.
enum { RASTER_TILE = 32 };

// Pixels, inclusive on both ends; empty if bottom < top.
typedef struct {
  int32_t top, bottom, left, right;
} raster_box;

// The tiles of one view that a box touches, inclusive.
typedef struct {
  int32_t top, bottom, left, right;
} raster_tile_range;

typedef struct {
  int64_t batch, faces;
  int32_t height, width;
  int32_t tile_rows, tile_columns;
  size_t tiles;           // over the whole batch
  raster_box *boxes;      // [batch][faces], filled by the caller between create and fill
  int64_t *face_offsets;  // [batch * faces + 1]: the first slot of each face
  int64_t *tile_offsets;  // [tiles + 1]: the first entry of each tile in tile_faces
  int32_t *tile_faces;    // faces of each tile in ascending order, indices within the view
} raster_bins;

// The part of one view that one tile covers, in pixels; bottom and right are exclusive.
typedef struct {
  int64_t view;
  int32_t row, column;  // of the tile
  int32_t top, bottom, left, right;
} raster_tile;

// malloc(count * size) that returns NULL on overflow and never asks for zero bytes.
void *raster_allocate(size_t count, size_t size);
// Whether the frame's sizes are in range and batch * height * width * values fits into memory.
bool raster_frame_is_valid(const lumi_raster_frame *frame);

// Coordinates of pixel centres on the screen.
static inline double raster_pixel_x(const raster_bins *bins, int32_t column) {
  int32_t shorter = bins->width < bins->height ? bins->width : bins->height;
  return (double)(2 * column + 1 - bins->width) / shorter;
}

static inline double raster_pixel_y(const raster_bins *bins, int32_t row) {
  int32_t shorter = bins->width < bins->height ? bins->width : bins->height;
  return (double)(bins->height - 1 - 2 * row) / shorter;
}

// Index of a pixel over the whole batch.
static inline size_t raster_pixel(
    const raster_bins *bins, const raster_tile *tile, int32_t row, int32_t column) {
  return ((size_t)tile->view * (size_t)bins->height + (size_t)row) * (size_t)bins->width +
         (size_t)column;
}

// Pixels whose centres are inside [x0, x1] x [y0, y1], with a small margin for rounding.
raster_box raster_box_of(
    const lumi_raster_frame *frame, double x0, double x1, double y0, double y1);

// Allocates boxes for the frame.
lumi_raster_status raster_bins_create(raster_bins *bins, const lumi_raster_frame *frame);
// Counts face_offsets from boxes: one slot per face and tile it touches, in tile order.
lumi_raster_status raster_bins_count(raster_bins *bins);
// Lists the faces of every tile; needs raster_bins_count.
lumi_raster_status raster_bins_list(raster_bins *bins);
void raster_bins_free(raster_bins *bins);

raster_tile raster_tile_at(const raster_bins *bins, size_t index);

static inline raster_tile_range raster_tiles_of(raster_box box) {
  return (raster_tile_range){
      box.top / RASTER_TILE, box.bottom / RASTER_TILE, box.left / RASTER_TILE,
      box.right / RASTER_TILE};
}

// The part of a face's pixels that lies in a tile.
static inline raster_box raster_clip_box(raster_box box, const raster_tile *tile) {
  return (raster_box){
      .top = box.top > tile->top ? box.top : tile->top,
      .bottom = box.bottom < tile->bottom ? box.bottom : tile->bottom - 1,
      .left = box.left > tile->left ? box.left : tile->left,
      .right = box.right < tile->right ? box.right : tile->right - 1};
}

// The slot that a tile owns in a face's row of slots.
static inline int64_t raster_slot(
    const raster_bins *bins, const raster_tile *tile, int32_t face) {
  int64_t index = tile->view * bins->faces + face;
  raster_tile_range range = raster_tiles_of(bins->boxes[index]);
  return bins->face_offsets[index] +
         (int64_t)(tile->row - range.top) * (range.right - range.left + 1) + tile->column -
         range.left;
}

#endif
