// Which points cover which pixels, in lists as long as they need to be.
//
// Points are sorted by depth once and binned in that order, so every pixel's list comes out sorted,
// and the K nearest are the first K: memory grows with what is kept.
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/lumi_points.h"
#include "include/lumi_runtime.h"
#include "raster_binning.h"
#include "raster_dispatch.h"

// A point that can cover a pixel: Q = a dx^2 + b dx dy + c dy^2 against bound.
typedef struct {
  double x, y, a, b, c, bound;
  double reachX, reachY, depth;
  int32_t index;
} Splat;

typedef struct {
  const lumi_point_frame *frame;
  Splat *splats;  // in the order of depth
  raster_bins bins;
  int64_t *offsets;     // [pixels + 1]: counts, then starts
  int32_t *pointIndex;  // NULL while counting
  int32_t *pixelIndex;
} PointJob;

typedef struct {
  uint64_t key;
  int32_t index;
} DepthKey;

static double readReal(lumi_real_type real, const void *values, size_t index) {
  return real == LUMI_FLOAT32 ? ((const float *)values)[index] : ((const double *)values)[index];
}

// Numbers whose order as integers is that of the depths.
static uint64_t depthKey(double depth) {
  depth += 0.0;  // -0 and 0 are one depth
  uint64_t bits;
  memcpy(&bits, &depth, sizeof bits);
  return bits >> 63 ? ~bits : bits | (uint64_t)1 << 63;
}

// Sorts by key, stable, one byte at a time; bytes that are equal everywhere are skipped. Returns
// which of the two arrays holds the result.
static DepthKey *sortByDepth(DepthKey *keys, DepthKey *other, size_t count) {
  for (int shift = 0; shift < 64; shift += 8) {
    size_t starts[257] = {0};
    for (size_t i = 0; i < count; ++i) starts[(keys[i].key >> shift & 255) + 1] += 1;
    bool isEqual = false;
    for (int byte = 0; byte < 256; ++byte) isEqual |= starts[byte + 1] == count;
    if (isEqual) continue;
    for (int byte = 0; byte < 256; ++byte) starts[byte + 1] += starts[byte];
    for (size_t i = 0; i < count; ++i) other[starts[keys[i].key >> shift & 255]++] = keys[i];
    DepthKey *swap = keys;
    keys = other;
    other = swap;
  }
  return keys;
}

// Fills in a splat; false if it covers nothing.
static bool makeSplat(
    const lumi_point_frame *f, const void *positions, const void *depths, const void *shapes,
    int64_t index, Splat *splat) {
  size_t i = (size_t)index;
  *splat = (Splat){
      .x = readReal(f->real, positions, 2 * i), .y = readReal(f->real, positions, 2 * i + 1),
      .depth = readReal(f->real, depths, i), .index = (int32_t)index};
  if (!isfinite(splat->x) || !isfinite(splat->y)) return false;
  if (!f->ellipses) {
    double radius = readReal(f->real, shapes, i);
    if (!(radius > 0) || !isfinite(radius)) return false;
    splat->a = splat->c = 1;
    splat->bound = radius * radius;
    splat->reachX = splat->reachY = radius;
    return true;
  }
  double a = readReal(f->real, shapes, 3 * i), b = readReal(f->real, shapes, 3 * i + 1);
  double c = readReal(f->real, shapes, 3 * i + 2), determinant = 4 * a * c - b * b;
  if (!(a > 0) || !(c > 0) || !(determinant > 0) || !isfinite(determinant)) return false;
  splat->a = a, splat->b = b, splat->c = c, splat->bound = f->cutoff;
  splat->reachX = sqrt(4 * c * f->cutoff / determinant);
  splat->reachY = sqrt(4 * a * f->cutoff / determinant);
  return true;
}

// The splats that can cover anything, nearest first; returns how many, or -1 without memory.
static int64_t collectSplats(
    PointJob *job, const void *positions, const void *depths, const void *shapes) {
  const lumi_point_frame *f = job->frame;
  DepthKey *keys = raster_allocate((size_t)f->points * 2, sizeof *keys);
  job->splats = raster_allocate((size_t)f->points, sizeof *job->splats);
  if (!keys || !job->splats) {
    free(keys);
    return -1;
  }
  size_t count = 0;
  for (int64_t i = 0; i < f->points; ++i) {
    double depth = readReal(f->real, depths, (size_t)i);
    if (isfinite(depth) && depth >= f->near_depth && depth <= f->far_depth)
      keys[count++] = (DepthKey){depthKey(depth), (int32_t)i};
  }
  DepthKey *sorted = sortByDepth(keys, keys + f->points, count);
  int64_t splats = 0;
  for (size_t i = 0; i < count; ++i)
    splats += makeSplat(f, positions, depths, shapes, sorted[i].index, &job->splats[splats]);
  free(keys);
  return splats;
}

static lumi_raster_status binSplats(PointJob *job, int64_t splats) {
  const lumi_raster_frame frame = {
      job->frame->real, 1, splats, job->frame->height, job->frame->width};
  lumi_raster_status status = raster_bins_create(&job->bins, &frame);
  if (status) return status;
  for (int64_t i = 0; i < splats; ++i) {
    const Splat *s = &job->splats[i];
    job->bins.boxes[i] = raster_box_of(
        &frame, s->x - s->reachX, s->x + s->reachX, s->y - s->reachY, s->y + s->reachY);
  }
  status = raster_bins_count(&job->bins);
  return status ? status : raster_bins_list(&job->bins);
}

#define RASTER_BODY "points_raster_body.inc"
#include "raster_levels.h"

static lumi_raster_status findFragments(PointJob *job, size_t pixels) {
  static const raster_body visitTile[LUMI_LEVEL_COUNT] = RASTER_TABLE(visitPoints, f64);
  raster_body visit = visitTile[lumi_level()];
  job->offsets = calloc(pixels + 1, sizeof *job->offsets);
  if (!job->offsets) return LUMI_RASTER_NO_MEMORY;
  lumi_parallel_for(job->bins.tiles, job, visit);
  int64_t sum = 0;
  for (size_t i = 0; i <= pixels; ++i) {
    int64_t count = job->offsets[i];
    job->offsets[i] = sum;
    sum += count;
  }
  int32_t *pixelIndex = raster_allocate((size_t)sum, sizeof *pixelIndex);
  int32_t *pointIndex = raster_allocate((size_t)sum, sizeof *pointIndex);
  job->pixelIndex = pixelIndex;
  job->pointIndex = pointIndex;
  if (!pixelIndex || !pointIndex) return LUMI_RASTER_NO_MEMORY;
  lumi_parallel_for(job->bins.tiles, job, visit);
  return LUMI_RASTER_OK;
}

static bool frameIsValid(const lumi_point_frame *f) {
  lumi_raster_frame frame = {f->real, 1, f->points, f->height, f->width};
  return raster_frame_is_valid(&frame) && f->height * f->width <= INT32_MAX &&
         (!f->ellipses || (f->cutoff > 0 && isfinite(f->cutoff))) && f->nearest >= 0 &&
         f->thickness >= 0 && !isnan(f->near_depth) && !isnan(f->far_depth);
}

lumi_raster_status lumi_points_rasterize(
    const lumi_point_frame *frame, const void *positions, const void *depths, const void *shapes,
    lumi_point_fragments *fragments) {
  *fragments = (lumi_point_fragments){0};
  if (!frameIsValid(frame)) return LUMI_RASTER_INVALID;
  PointJob job = {.frame = frame};
  size_t pixels = (size_t)(frame->height * frame->width);
  int64_t splats = collectSplats(&job, positions, depths, shapes);
  lumi_raster_status status = splats < 0 ? LUMI_RASTER_NO_MEMORY : binSplats(&job, splats);
  if (!status) status = findFragments(&job, pixels);
  raster_bins_free(&job.bins);
  free(job.splats);
  *fragments = (lumi_point_fragments){job.offsets, job.pointIndex, job.pixelIndex, 0};
  if (status)
    lumi_point_fragments_free(fragments);
  else
    fragments->count = job.offsets[pixels];
  return status;
}

void lumi_point_fragments_free(lumi_point_fragments *fragments) {
  free(fragments->pixel_offsets);
  free(fragments->point_index);
  free(fragments->pixel_index);
  *fragments = (lumi_point_fragments){0};
}
