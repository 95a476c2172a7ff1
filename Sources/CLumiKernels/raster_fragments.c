// Fragments: for every pixel, exactly the faces that reach it, in lists as long as they need to be.
//
// Distances and coverage are computed in double whatever the type of the corners. A pixel's list
// costs memory for each of its faces even if only the K nearest are kept in the end. With K > 0 and
// PyTorch3D's interpolation flags the lists are those of its rasteriser:
// N. Ravi et al., "Accelerating 3D Deep Learning with PyTorch3D", 2020.
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/lumi_raster.h"
#include "raster_binning.h"
#include "raster_dispatch.h"

// Pixels of a row that one window takes.
enum { LANES = 16 };
enum { FACE_BLOCK = 256 };

typedef struct {
  lumi_raster_frame frame;
  lumi_fragment_parameters parameters;
  const void *corners;
  raster_bins bins;
  void *triangles;     // [batch][faces] records of the kernels' own type
  int64_t *cursors;    // [pixels + 1]: counts, then where the next fragment goes
  int64_t *offsets;    // the finished lists, while the nearest are selected
  int32_t *faceIndex;  // NULL while counting
  atomic_bool failed;
} FragmentJob;

typedef struct {
  size_t triangleSize;
  raster_body setTriangles, visitTile, selectTile;
} FragmentKernels;

#define RASTER_BODY "raster_fragments_body.inc"
#include "raster_levels.h"

static const FragmentKernels *fragmentKernels(void) {
  static const FragmentKernels *const table[LUMI_LEVEL_COUNT] =
      RASTER_TABLE(&fragmentKernels, f64);
  return table[lumi_level()];
}

static bool parametersAreValid(const lumi_fragment_parameters *p) {
  return p->radius_squared >= 0 && isfinite(p->radius_squared) && p->nearest >= 0 &&
         !isnan(p->minimum_twice_area) && !isnan(p->minimum_depth);
}

// Turns counts into offsets; the last one is the total, which is returned.
static int64_t accumulate(int64_t *counts, size_t pixels) {
  int64_t sum = 0;
  for (size_t i = 0; i < pixels; ++i) {
    int64_t count = counts[i];
    counts[i] = sum;
    sum += count;
  }
  counts[pixels] = sum;
  return sum;
}

// Filling leaves each cursor at the end of its pixel's list, where the next list starts.
static void rewind(int64_t *cursors, size_t pixels) {
  memmove(cursors + 1, cursors, pixels * sizeof *cursors);
  cursors[0] = 0;
}

// Closes the gaps behind the lists that selection made shorter: kept[i] entries from offsets[i] on.
static void compact(int64_t *offsets, const int64_t *kept, int32_t *faceIndex, size_t pixels) {
  int64_t end = 0;
  for (size_t i = 0; i < pixels; ++i) {
    memmove(faceIndex + end, faceIndex + offsets[i], (size_t)kept[i] * sizeof *faceIndex);
    offsets[i] = end;
    end += kept[i];
  }
  offsets[pixels] = end;
}

static lumi_raster_status prepare(FragmentJob *job, const FragmentKernels *kernels) {
  lumi_raster_status status = raster_bins_create(&job->bins, &job->frame);
  if (status) return status;
  size_t count = (size_t)(job->frame.batch * job->frame.faces);
  job->triangles = raster_allocate(count, kernels->triangleSize);
  if (!job->triangles) return LUMI_RASTER_NO_MEMORY;
  lumi_parallel_for((count + FACE_BLOCK - 1) / FACE_BLOCK, job, kernels->setTriangles);
  status = raster_bins_count(&job->bins);
  return status ? status : raster_bins_list(&job->bins);
}

static lumi_raster_status keepNearest(
    FragmentJob *job, const FragmentKernels *kernels, size_t pixels) {
  int64_t *kept = raster_allocate(pixels, sizeof *kept);
  if (!kept) return LUMI_RASTER_NO_MEMORY;
  job->offsets = job->cursors;
  job->cursors = kept;
  lumi_parallel_for(job->bins.tiles, job, kernels->selectTile);
  job->cursors = job->offsets;
  if (!job->failed) compact(job->offsets, kept, job->faceIndex, pixels);
  free(kept);
  return job->failed ? LUMI_RASTER_NO_MEMORY : LUMI_RASTER_OK;
}

static lumi_raster_status findFragments(FragmentJob *job, size_t pixels) {
  const FragmentKernels *kernels = fragmentKernels();
  lumi_raster_status status = prepare(job, kernels);
  if (status) return status;
  job->cursors = calloc(pixels + 1, sizeof *job->cursors);
  if (!job->cursors) return LUMI_RASTER_NO_MEMORY;
  lumi_parallel_for(job->bins.tiles, job, kernels->visitTile);
  int64_t total = accumulate(job->cursors, pixels);
  job->faceIndex = raster_allocate((size_t)total, sizeof *job->faceIndex);
  if (!job->faceIndex) return LUMI_RASTER_NO_MEMORY;
  lumi_parallel_for(job->bins.tiles, job, kernels->visitTile);
  rewind(job->cursors, pixels);
  return job->parameters.nearest ? keepNearest(job, kernels, pixels) : LUMI_RASTER_OK;
}

lumi_raster_status lumi_fragments_create(
    const lumi_raster_frame *frame, const lumi_fragment_parameters *parameters,
    const void *corners, lumi_fragments *fragments) {
  *fragments = (lumi_fragments){0};
  if (!raster_frame_is_valid(frame) || !parametersAreValid(parameters)) return LUMI_RASTER_INVALID;
  FragmentJob job = {.frame = *frame, .parameters = *parameters, .corners = corners};
  size_t pixels = (size_t)(frame->batch * frame->height * frame->width);
  lumi_raster_status status = findFragments(&job, pixels);
  raster_bins_free(&job.bins);
  free(job.triangles);
  if (status) {
    free(job.cursors);
    free(job.faceIndex);
    return status;
  }
  *fragments = (lumi_fragments){job.cursors, job.faceIndex, job.cursors[pixels]};
  return LUMI_RASTER_OK;
}

void lumi_fragments_free(lumi_fragments *fragments) {
  free(fragments->pixel_offsets);
  free(fragments->face_index);
  *fragments = (lumi_fragments){0};
}
