// Trilinear look-ups; see lumi_trilinear.h.
//
// For the derivative by the grid, points are sorted into slabs along x, each the work of one
// thread. Its points change one layer of values of the next slab too, so even slabs go first, then
// odd ones.
#include "include/lumi_trilinear.h"

#include <stdbool.h>
#include <string.h>

#include "raster_dispatch.h"

enum { LANES = 16, POINT_BLOCK = 4096, MOST_SLABS = 16 };
#define FOR_LANES for (int i = 0; i < LANES; ++i)

typedef struct {
  lumi_trilinear t;
  int32_t step[3];  // values from one to the next along every axis
  int32_t corners[8];  // from a cell's lower corner; an axis with one value has no other
  const void *arriving;
  void *result;
  int32_t slabs, slabShift;  // a slab has 2^slabShift layers of cells
  int parity;
  uint8_t *slabOf;                // [points]
  int32_t *order;                 // [points]: by slabs
  int32_t *counts;                // [blocks][slabs]; later where the block's points go
  int64_t slabStart[MOST_SLABS + 1];
} TrilinearJob;

typedef struct {
  raster_body values, byPoints, findSlabs, scatter;
} TrilinearKernels;

static size_t blocksOf(const lumi_trilinear *t) {
  return ((size_t)t->count + POINT_BLOCK - 1) / POINT_BLOCK;
}

static size_t blockEnd(const TrilinearJob *job, size_t block) {
  size_t end = (block + 1) * POINT_BLOCK, count = (size_t)job->t.count;
  return end < count ? end : count;
}

#define RASTER_REALS
#define RASTER_BODY "trilinear_body.inc"
#include "raster_levels.h"

static const TrilinearKernels *trilinearKernels(lumi_real_type real) {
  static const TrilinearKernels *const table[2][LUMI_LEVEL_COUNT] = {
      RASTER_TABLE(&trilinearKernels, f32), RASTER_TABLE(&trilinearKernels, f64)};
  return table[real][lumi_level()];
}

static TrilinearJob jobOf(const lumi_trilinear *t) {
  TrilinearJob job = {.t = *t};
  job.step[0] = (int32_t)(t->extent[1] * t->extent[2]);
  job.step[1] = (int32_t)t->extent[2];
  job.step[2] = 1;
  for (int corner = 0; corner < 8; ++corner)
    for (int axis = 0; axis < 3; ++axis)
      if (corner >> (2 - axis) & 1 && t->extent[axis] > 1) job.corners[corner] += job.step[axis];
  int32_t layers = t->extent[0] > 1 ? (int32_t)t->extent[0] - 1 : 1;
  while ((layers - 1) >> job.slabShift >= MOST_SLABS) ++job.slabShift;
  job.slabs = ((layers - 1) >> job.slabShift) + 1;
  return job;
}

void lumi_trilinear_values(const lumi_trilinear *look_up, void *values) {
  TrilinearJob job = jobOf(look_up);
  job.result = values;
  lumi_parallel_for(blocksOf(look_up), &job, trilinearKernels(look_up->real)->values);
}

void lumi_trilinear_by_points(
    const lumi_trilinear *look_up, const void *values_gradient, void *points_gradient) {
  TrilinearJob job = jobOf(look_up);
  job.arriving = values_gradient;
  job.result = points_gradient;
  lumi_parallel_for(blocksOf(look_up), &job, trilinearKernels(look_up->real)->byPoints);
}

size_t lumi_trilinear_workspace(const lumi_trilinear *t) {
  return (size_t)t->count * 5 + (blocksOf(t) * MOST_SLABS) * sizeof(int32_t);
}

// Turns counts into places: slab after slab, in each the blocks in order.
static void setPlaces(TrilinearJob *job, size_t blocks) {
  int64_t place = 0;
  for (int32_t slab = 0; slab < job->slabs; ++slab) {
    job->slabStart[slab] = place;
    for (size_t block = 0; block < blocks; ++block) {
      int32_t *at = job->counts + block * (size_t)job->slabs + slab;
      int32_t count = *at;
      *at = (int32_t)place;
      place += count;
    }
  }
  job->slabStart[job->slabs] = place;
}

static void listPoints(void *context, size_t block) {
  const TrilinearJob *job = context;
  int32_t *places = job->counts + block * (size_t)job->slabs;
  size_t end = blockEnd(job, block);
  for (size_t i = block * POINT_BLOCK; i < end; ++i)
    job->order[places[job->slabOf[i]]++] = (int32_t)i;
}

static void clearLayer(void *context, size_t layer) {
  const TrilinearJob *job = context;
  size_t size = job->t.real == LUMI_FLOAT32 ? sizeof(float) : sizeof(double);
  size *= (size_t)job->step[0] * (size_t)job->t.channels;
  memset((char *)job->result + layer * size, 0, size);
}

void lumi_trilinear_by_grid(
    const lumi_trilinear *look_up, const void *values_gradient, void *workspace,
    void *grid_gradient) {
  TrilinearJob job = jobOf(look_up);
  const TrilinearKernels *kernels = trilinearKernels(look_up->real);
  size_t blocks = blocksOf(look_up), count = (size_t)look_up->count;
  job.arriving = values_gradient;
  job.result = grid_gradient;
  job.order = workspace;
  job.counts = job.order + count;
  job.slabOf = (uint8_t *)(job.counts + blocks * MOST_SLABS);
  lumi_parallel_for((size_t)look_up->extent[0], &job, clearLayer);
  lumi_parallel_for(blocks, &job, kernels->findSlabs);
  setPlaces(&job, blocks);
  lumi_parallel_for(blocks, &job, listPoints);
  for (job.parity = 0; job.parity < 2; ++job.parity)
    lumi_parallel_for((size_t)(job.slabs + 1 - job.parity) / 2, &job, kernels->scatter);
}
