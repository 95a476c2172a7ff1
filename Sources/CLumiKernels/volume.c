// Sums along rays through a volume; see lumi_volume.h.
//
// What a ray gives is found in blocks of rays. Backward marches a batch of rays again and keeps
// their samples; then slabs of the grid, each the work of one thread, take what falls on them, in
// the order of the rays. Thus the grid's gradient needs no second buffer and has the same bits for
// any number of threads.
#include "include/lumi_volume.h"

#include <math.h>
#include <stdbool.h>
#include <string.h>

#include "elementwise_math.inc"
#include "raster_dispatch.h"

enum { LANES = 16, RAY_BLOCK = 32, MOST_SLABS = 16, BATCH_SAMPLES = 1 << 18 };
#define FOR_LANES for (int i = 0; i < LANES; ++i)

typedef struct {
  lumi_volume_scene scene;
  int32_t stepX, stepY;  // values between neighbours
  void *sums;
  const void *sumsGradient;
  lumi_volume_gradients gradients;
  // Backward: rays firstRay...endRay - 1, with room for all their samples.
  int64_t batch, firstRay, endRay;
  int64_t slabs;
  int slabShift;  // a slab has 2^this layers
  int parity;
  void *light, *change, *gain, *traceDensity;
  int32_t *sample, *slabRanges;
  uint32_t *positive;
} VolumeJob;

typedef struct {
  raster_body forward, backward, scatter;
} VolumeKernels;

#define RASTER_REALS
#define RASTER_BODY "volume_body.inc"
#include "raster_levels.h"

static const VolumeKernels *volumeKernels(lumi_real_type real) {
  static const VolumeKernels *const table[2][LUMI_LEVEL_COUNT] = {
      RASTER_TABLE(&volumeKernels, f32), RASTER_TABLE(&volumeKernels, f64)};
  return table[real][lumi_level()];
}

static bool isValid(const lumi_volume_scene *s) {
  double values = 1;
  for (int axis = 0; axis < 3; ++axis) {
    if (s->extent[axis] < 2) return false;
    values *= (double)s->extent[axis];
  }
  if (values >= 2147483648.0) return false;
  if (s->colors < 0 || s->basis < 1 || s->colors > LUMI_VOLUME_MOST_FEATURES ||
      s->basis > LUMI_VOLUME_MOST_FEATURES || s->colors * s->basis > LUMI_VOLUME_MOST_FEATURES)
    return false;
  if (s->limits_colors && s->colors > LUMI_VOLUME_MOST_LIMITED_COLORS) return false;
  if (!s->basis_values && s->basis != 1) return false;
  return s->rays >= 0 && s->samples >= 1 && s->samples < 1 << 24 && s->medium >= 0 &&
         s->medium < LUMI_MEDIUM_COUNT && s->occupancy.levels <= LUMI_VOLUME_MOST_LEVELS;
}

static VolumeJob jobOf(const lumi_volume_scene *scene) {
  VolumeJob job = {.scene = *scene};
  job.stepY = (int32_t)scene->extent[2];
  job.stepX = (int32_t)(scene->extent[1] * scene->extent[2]);
  job.batch = BATCH_SAMPLES / scene->samples;
  if (job.batch < RAY_BLOCK) job.batch = RAY_BLOCK;
  if (job.batch > scene->rays) job.batch = scene->rays;
  while ((scene->extent[0] - 2) >> job.slabShift >= MOST_SLABS) ++job.slabShift;
  job.slabs = ((scene->extent[0] - 2) >> job.slabShift) + 1;
  return job;
}

static size_t blocks(int64_t rays) { return (size_t)((rays + RAY_BLOCK - 1) / RAY_BLOCK); }

lumi_raster_status lumi_volume_forward(const lumi_volume_scene *scene, void *sums) {
  if (!isValid(scene)) return LUMI_RASTER_INVALID;
  VolumeJob job = jobOf(scene);
  job.sums = sums;
  lumi_parallel_for(blocks(scene->rays), &job, volumeKernels(scene->real)->forward);
  return LUMI_RASTER_OK;
}

static size_t realSize(lumi_real_type real) {
  return real == LUMI_FLOAT32 ? sizeof(float) : sizeof(double);
}

// Lays the columns out; returns their size.
static size_t divide(VolumeJob *job, char *workspace) {
  size_t samples = (size_t)(job->batch * job->scene.samples);
  size_t column = samples * realSize(job->scene.real), end = 0;
  void **columns[4] = {&job->light, &job->change, &job->gain, &job->traceDensity};
  for (int i = 0; i < 4; ++i, end += column) *columns[i] = workspace + end;
  job->sample = (int32_t *)(workspace + end);
  end += samples * sizeof(int32_t);
  job->positive = (uint32_t *)(workspace + end);
  end += samples * sizeof(uint32_t);
  job->slabRanges = (int32_t *)(workspace + end);
  return end + (size_t)(job->batch * job->slabs) * 2 * sizeof(int32_t);
}

size_t lumi_volume_workspace(const lumi_volume_scene *scene) {
  if (!isValid(scene)) return 0;
  VolumeJob job = jobOf(scene);
  // Nothing is written; a pointer to add to is needed all the same.
  return divide(&job, (char *)&job);
}

static void clearLayer(void *context, size_t layer) {
  const VolumeJob *job = context;
  size_t values = (size_t)job->stepX, size = realSize(job->scene.real);
  if (job->gradients.density)
    memset((char *)job->gradients.density + layer * values * size, 0, values * size);
  values *= (size_t)(job->scene.colors * job->scene.basis);
  if (job->gradients.features)
    memset((char *)job->gradients.features + layer * values * size, 0, values * size);
}

lumi_raster_status lumi_volume_backward(
    const lumi_volume_scene *scene, const void *sums_gradient, void *workspace,
    const lumi_volume_gradients *gradients) {
  if (!isValid(scene) || (!gradients->points) != (!gradients->moves)) return LUMI_RASTER_INVALID;
  VolumeJob job = jobOf(scene);
  job.sumsGradient = sums_gradient;
  job.gradients = *gradients;
  divide(&job, workspace);
  const VolumeKernels *kernels = volumeKernels(scene->real);
  bool scatters = gradients->density || gradients->features;
  if (scatters) lumi_parallel_for((size_t)scene->extent[0], &job, clearLayer);
  for (job.firstRay = 0; job.firstRay < scene->rays; job.firstRay = job.endRay) {
    job.endRay = job.firstRay + job.batch < scene->rays ? job.firstRay + job.batch : scene->rays;
    lumi_parallel_for(blocks(job.endRay - job.firstRay), &job, kernels->backward);
    for (job.parity = 0; scatters && job.parity < 2; ++job.parity)
      lumi_parallel_for((size_t)(job.slabs + 1 - job.parity) / 2, &job, kernels->scatter);
  }
  return LUMI_RASTER_OK;
}
