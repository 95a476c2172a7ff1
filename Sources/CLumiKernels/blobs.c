// Gaussian blobs along rays; see lumi_blobs.h.
//
// H. Rhodin et al., "A Versatile Scene Model with Differentiable Visibility Applied to Generative
// Pose Estimation", ICCV 2015.
//
// Rays go in blocks whose number does not depend on threads; every block sums its own gradients of
// the blobs, and the sums are added in the order of the blocks.
#include "include/lumi_blobs.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "raster_binning.h"
#include "raster_dispatch.h"

#define ROOT_HALF_PI 1.2533141373155003
#define ROOT_TWO 1.4142135623730951
// Light that has lost more than exp of this is left out.
#define MOST_ABSORPTION 60.0

// For loops over padded lists: no remainder is left for a slow scalar loop.
#define WHOLE_VECTORS _Pragma("clang loop vectorize_width(8) interleave_count(1)")

enum { LARGEST_BLOCKS = 64, SMALLEST_BLOCK = 32, LANES = 8 };

// What a ray meets, one entry a blob, padded to whole vectors.
typedef struct {
  int64_t *blob;
  double *m;          // nearest place on the ray
  double *squared;    // distance there, squared
  double *profile, *slope;  // peak / density, and its derivative by squared / sigma^2
  double *peak;       // density there
  double *sigma;
  double *inverse;    // 1 / (sqrt 2 sigma)
  double *mass;       // peak sigma sqrt(pi / 2)
  double *erfStart, *expStart;  // erf and exp(-v^2) of v = m inverse
  double *erfHere, *expHere;    // the same at the place in hand
  double *byPeak, *bySigma, *byM;
  double *byErf, *byExp, *byEnd;  // by erf, exp and u exp of all places
  double byStart;                 // by erfStart, for all blobs
  int64_t count, padded;
} Meeting;

enum { MEETING_ARRAYS = 19 };

typedef struct {
  lumi_blob_scene scene;
  double *image, *visibility;
  const double *imageGradient;
  lumi_blob_gradients gradients;
  size_t blocks, blockRays;
  double *sums;      // [blocks][sumSize]
  size_t sumSize;    // step per blob, then channels
  size_t step;       // 5 + channels
  bool *failed;      // per block
  // Blobs as columns, padded to whole vectors.
  size_t padded;
  double *x, *y, *z, *sigma, *density;
  double *reach;     // squared distance to a ray; nothing is below that of a blob left out
  double *behind;    // nearest places up to here do not count
  double *factors;   // [nodes]: weight exp(-place^2 / 2)
  double inverseReach, inverseRim;  // 1 / cutoff^2; 1 / (1 - ((cutoff - 1) / cutoff)^2)
} Job;

typedef struct {
  raster_body forward, backward;
} BlobKernels;

static bool meetingCreate(Meeting *meeting, int64_t blobs) {
  size_t capacity = (size_t)(blobs + LANES);
  double *memory = raster_allocate(capacity * MEETING_ARRAYS, sizeof(double));
  if (!memory) return false;
  double **arrays[MEETING_ARRAYS - 1] = {
      &meeting->m,        &meeting->squared,  &meeting->profile, &meeting->slope,
      &meeting->peak,     &meeting->sigma,    &meeting->inverse, &meeting->mass,
      &meeting->erfStart, &meeting->expStart, &meeting->erfHere, &meeting->expHere,
      &meeting->byPeak,   &meeting->bySigma,  &meeting->byM,     &meeting->byErf,
      &meeting->byExp,    &meeting->byEnd};
  meeting->blob = (int64_t *)memory;
  for (int i = 0; i < MEETING_ARRAYS - 1; ++i) *arrays[i] = memory + capacity * (size_t)(i + 1);
  return true;
}

static void meetingFree(Meeting *meeting) { free(meeting->blob); }

#define RASTER_BODY "blobs_body.inc"
#include "raster_levels.h"

static const BlobKernels *blobKernels(void) {
  static const BlobKernels *const table[LUMI_LEVEL_COUNT] = RASTER_TABLE(&blobKernels, f64);
  return table[lumi_level()];
}

static bool isValid(const lumi_blob_scene *s) {
  return s->rays >= 0 && s->blobs >= 0 && s->blobs < INT32_MAX && s->channels >= 1 &&
         s->nodes >= 1 && s->cutoff > 0;
}

static void setBlocks(Job *job) {
  size_t rays = (size_t)job->scene.rays;
  job->blockRays = (rays + LARGEST_BLOCKS - 1) / LARGEST_BLOCKS;
  if (job->blockRays < SMALLEST_BLOCK) job->blockRays = SMALLEST_BLOCK;
  job->blocks = (rays + job->blockRays - 1) / job->blockRays;
}

static void setCutoff(Job *job) {
  double cutoff = job->scene.cutoff, inner = cutoff > 1 ? 1 - 1 / cutoff : 0;
  job->inverseReach = 1 / (cutoff * cutoff);
  // Without a cutoff nothing is near it.
  job->inverseRim = isinf(cutoff) ? 1 : 1 / (1 - inner * inner);
}

static void setBlob(Job *job, size_t q) {
  const lumi_blob_scene *s = &job->scene;
  // Widths whose squares are not ordinary numbers are none.
  bool isHere = q < (size_t)s->blobs && s->sigmas[q] > 0 && isnormal(s->sigmas[q] * s->sigmas[q]) &&
                s->densities[q] >= 0 && isfinite(s->densities[q]);
  job->x[q] = job->y[q] = job->z[q] = 0;
  job->sigma[q] = isHere ? s->sigmas[q] : 0;
  job->density[q] = isHere ? s->densities[q] : 0;
  job->reach[q] = -INFINITY;
  job->behind[q] = 0;
  if (!isHere) return;
  double reach = s->cutoff * s->sigmas[q];
  job->reach[q] = reach * reach;
  // 8 sigma behind the eye nothing is left that a double could tell from 0.
  job->behind[q] = -8 * s->sigmas[q];
  job->x[q] = s->centers[3 * q];
  job->y[q] = s->centers[3 * q + 1];
  job->z[q] = s->centers[3 * q + 2];
}

static bool setColumns(Job *job) {
  const lumi_blob_scene *s = &job->scene;
  job->padded = ((size_t)s->blobs + LANES - 1) / LANES * LANES;
  double *memory = raster_allocate(job->padded * 7 + (size_t)s->nodes, sizeof(double));
  if (!memory) return false;
  double **columns[7] = {&job->x,       &job->y,     &job->z,     &job->sigma,
                         &job->density, &job->reach, &job->behind};
  for (size_t i = 0; i < 7; ++i) *columns[i] = memory + i * job->padded;
  job->factors = memory + 7 * job->padded;
  for (size_t q = 0; q < job->padded; ++q) setBlob(job, q);
  for (int64_t k = 0; k < s->nodes; ++k)
    job->factors[k] = s->weights[k] * exp(-s->places[k] * s->places[k] / 2);
  return true;
}

static lumi_raster_status run(Job *job, raster_body body) {
  job->failed = calloc(job->blocks + 1, sizeof *job->failed);
  if (!job->failed || !setColumns(job)) {
    free(job->failed);
    return LUMI_RASTER_NO_MEMORY;
  }
  setCutoff(job);
  lumi_parallel_for(job->blocks, job, body);
  lumi_raster_status status = LUMI_RASTER_OK;
  for (size_t i = 0; i < job->blocks; ++i)
    if (job->failed[i]) status = LUMI_RASTER_NO_MEMORY;
  free(job->failed);
  free(job->x);
  return status;
}

lumi_raster_status lumi_blobs_forward(
    const lumi_blob_scene *scene, double *image, double *visibility) {
  if (!isValid(scene)) return LUMI_RASTER_INVALID;
  Job job = {.scene = *scene, .image = image, .visibility = visibility};
  setBlocks(&job);
  return run(&job, blobKernels()->forward);
}

// Adds the blocks' sums in order.
static void reduce(const Job *job) {
  const lumi_blob_scene *s = &job->scene;
  const lumi_blob_gradients *g = &job->gradients;
  size_t channels = (size_t)s->channels, blobs = (size_t)s->blobs;
  memset(g->background, 0, channels * sizeof(double));
  memset(g->centers, 0, blobs * 3 * sizeof(double));
  memset(g->sigmas, 0, blobs * sizeof(double));
  memset(g->densities, 0, blobs * sizeof(double));
  memset(g->colors, 0, blobs * channels * sizeof(double));
  for (size_t block = 0; block < job->blocks; ++block) {
    const double *sums = job->sums + block * job->sumSize;
    for (size_t q = 0; q < blobs; ++q, sums += job->step) {
      for (size_t i = 0; i < 3; ++i) g->centers[3 * q + i] += sums[i];
      g->sigmas[q] += sums[3];
      g->densities[q] += sums[4];
      for (size_t c = 0; c < channels; ++c) g->colors[q * channels + c] += sums[5 + c];
    }
    for (size_t c = 0; c < channels; ++c) g->background[c] += sums[c];
  }
}

lumi_raster_status lumi_blobs_backward(
    const lumi_blob_scene *scene, const double *image_gradient,
    const lumi_blob_gradients *gradients) {
  if (!isValid(scene)) return LUMI_RASTER_INVALID;
  Job job = {.scene = *scene, .imageGradient = image_gradient, .gradients = *gradients};
  setBlocks(&job);
  job.step = 5 + (size_t)scene->channels;
  job.sumSize = (size_t)scene->blobs * job.step + (size_t)scene->channels;
  job.sums = calloc(job.blocks * job.sumSize + 1, sizeof(double));
  if (!job.sums) return LUMI_RASTER_NO_MEMORY;
  lumi_raster_status status = run(&job, blobKernels()->backward);
  if (!status) reduce(&job);
  free(job.sums);
  return status;
}
