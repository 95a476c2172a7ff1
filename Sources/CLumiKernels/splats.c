// Splats blended front to back; see lumi_splats.h.
//
// Splats are binned to tiles by their rank from front to back, so that every tile's list is sorted.
// A splat is listed wherever its alpha can reach least_alpha: pictures do not depend on the size of
// tiles. The backward pass goes front to back as well. With R the part of the loss that is still to
// come behind a splat, its alpha has the derivative T value - R / (1 - alpha); R starts as the
// whole, which the image holds, and loses one splat's part at a time.
#include "include/lumi_splats.h"

#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "raster_binning.h"
#include "raster_dispatch.h"

// Pixels of a row that one window takes; one AVX-512 register of floats.
enum { LANES = 16 };
// Splats that one call of a parallel body sets up or reduces.
enum { SPLAT_BLOCK = 512 };
// Planes of a tile, padded on the right so that a window may start at any of its pixels.
enum { STRIDE = RASTER_TILE + LANES, PLANE = RASTER_TILE * STRIDE };

#define FOR_LANES for (int i = 0; i < LANES; ++i)

typedef struct {
  lumi_splat_scene scene;
  void *image;
  const void *imageGradient;
  lumi_splat_gradients gradients;
  size_t planes;    // of the image
  size_t formSize;  // 3 or 9
  size_t slotSize;  // place, opacity, form, values
  raster_bins bins;
  void *splats;     // [listed] records of the kernels' own type
  void *slots;      // [face_offsets.last][slotSize]
  atomic_bool failed;
} SplatJob;

typedef struct {
  size_t splatSize;
  raster_body setSplats, forwardTile, backwardTile, reduceSplats;
} SplatKernels;

// Pixels whose centres lie in [x0, x1] x [y0, y1], with a margin for rounding. Bounds that are not
// finite reach to the end of the image.
static raster_box pixelBox(const raster_bins *bins, double x0, double x1, double y0, double y1) {
  double margin = 1e-3 + 1e-6 * (bins->width + bins->height);
  int32_t right = bins->width - 1, bottom = bins->height - 1;
  raster_box box = {
      .top = (int32_t)fmin(fmax(ceil(y0 - 0.5 - margin), 0), bottom + 1.0),
      .bottom = (int32_t)fmax(fmin(floor(y1 - 0.5 + margin), bottom), -1),
      .left = (int32_t)fmin(fmax(ceil(x0 - 0.5 - margin), 0), right + 1.0),
      .right = (int32_t)fmax(fmin(floor(x1 - 0.5 + margin), right), -1)};
  if (box.left > box.right || box.top > box.bottom) box = (raster_box){0, -1, 0, -1};
  return box;
}

// Where a^T A a <= reach for A = [a b; b c].
static raster_box projectedBox(
    const raster_bins *bins, const double *place, const double *form, double reach) {
  double determinant = form[0] * form[2] - form[1] * form[1];
  if (!(determinant > 0) || !(form[0] > 0)) return (raster_box){0, -1, 0, -1};
  double across = sqrt(reach * form[2] / determinant), down = sqrt(reach * form[0] / determinant);
  return pixelBox(
      bins, place[0] - across, place[0] + across, place[1] - down, place[1] + down);
}

// One coordinate's bounds of the conic that u^2 + v^2 = reach becomes on the image.
static void conicBounds(
    const double *row, const double *last, double reach, double *low, double *high) {
  double d = reach * (last[0] * last[0] + last[1] * last[1]) - last[2] * last[2];
  double middle = (reach * (row[0] * last[0] + row[1] * last[1]) - row[2] * last[2]) / d;
  double square = (reach * (row[0] * row[0] + row[1] * row[1]) - row[2] * row[2]) / d;
  double half = sqrt(fmax(middle * middle - square, 0));
  *low = fmin(*low, middle - half);
  *high = fmax(*high, middle + half);
}

// Where u^2 + v^2 or the distance on the screen is in reach; the whole image if the surfel meets the
// camera's plane.
static raster_box surfelBox(
    const raster_bins *bins, const lumi_splat_scene *scene, const double *place,
    const double *form, double reach) {
  double radius = sqrt(reach / scene->screen_factor);
  double x0 = place[0] - radius, x1 = place[0] + radius;
  double y0 = place[1] - radius, y1 = place[1] + radius;
  const double *last = form + 6;
  if (reach * (last[0] * last[0] + last[1] * last[1]) < last[2] * last[2]) {
    conicBounds(form, last, reach, &x0, &x1);
    conicBounds(form + 3, last, reach, &y0, &y1);
  } else {
    x0 = y0 = -INFINITY;
    x1 = y1 = INFINITY;
  }
  return pixelBox(bins, x0, x1, y0, y1);
}

// The pixels where a splat's alpha can be at least least_alpha.
static raster_box splatBox(
    const SplatJob *job, const double *place, const double *form, double opacity) {
  const raster_box nowhere = {0, -1, 0, -1};
  const lumi_splat_scene *scene = &job->scene;
  if (!(opacity >= scene->least_alpha) || !isfinite(opacity)) return nowhere;
  for (int i = 0; i < 2; ++i)
    if (!isfinite(place[i])) return nowhere;
  for (size_t i = 0; i < job->formSize; ++i)
    if (!isfinite(form[i])) return nowhere;
  double reach = 2 * log(opacity / scene->least_alpha);
  return scene->kind == LUMI_SPLAT_SURFEL ? surfelBox(&job->bins, scene, place, form, reach)
                                          : projectedBox(&job->bins, place, form, reach);
}

#define RASTER_REALS
#define RASTER_BODY "splats_body.inc"
#include "raster_levels.h"

static const SplatKernels *splatKernels(lumi_real_type real) {
  static const SplatKernels *const table[2][LUMI_LEVEL_COUNT] = {
      RASTER_TABLE(&splatKernels, f32), RASTER_TABLE(&splatKernels, f64)};
  return table[real][lumi_level()];
}

static bool sceneIsValid(const lumi_splat_scene *scene, const lumi_raster_frame *frame) {
  if (!raster_frame_is_valid(frame) || scene->splats < scene->listed) return false;
  if ((unsigned)scene->kind > LUMI_SPLAT_SURFEL) return false;
  if (scene->features < 0 || scene->features > LUMI_SPLAT_MAXIMUM_FEATURES) return false;
  if (!(scene->largest_alpha > 0) || !(scene->largest_alpha < 1)) return false;
  if (!(scene->least_alpha > 0) || !isfinite(scene->least_alpha)) return false;
  if (!(scene->least_transmittance >= 0) || !(scene->least_transmittance < 1)) return false;
  if (scene->kind == LUMI_SPLAT_PROJECTED) return true;
  return scene->screen_factor > 0 && isfinite(scene->screen_factor) &&
         isfinite(scene->nearest_depth);
}

static size_t blocks(const SplatJob *job) {
  return ((size_t)job->scene.listed + SPLAT_BLOCK - 1) / SPLAT_BLOCK;
}

// Sets up and bins the splats.
static lumi_raster_status prepare(SplatJob *job, const lumi_splat_scene *scene) {
  lumi_raster_frame frame = {
      .real = scene->real, .batch = 1, .faces = scene->listed, .height = scene->height,
      .width = scene->width};
  if (!sceneIsValid(scene, &frame)) return LUMI_RASTER_INVALID;
  bool isSurfel = scene->kind == LUMI_SPLAT_SURFEL;
  job->scene = *scene;
  job->planes = (size_t)scene->features + (isSurfel ? 2 : 1);
  job->formSize = isSurfel ? 9 : 3;
  job->slotSize = 3 + job->formSize + (size_t)scene->features;
  lumi_raster_status status = raster_bins_create(&job->bins, &frame);
  if (status) return status;
  const SplatKernels *kernels = splatKernels(scene->real);
  job->splats = raster_allocate((size_t)scene->listed, kernels->splatSize);
  if (!job->splats) return LUMI_RASTER_NO_MEMORY;
  lumi_parallel_for(blocks(job), job, kernels->setSplats);
  status = raster_bins_count(&job->bins);
  return status ? status : raster_bins_list(&job->bins);
}

static lumi_raster_status finish(SplatJob *job, lumi_raster_status status) {
  raster_bins_free(&job->bins);
  free(job->splats);
  free(job->slots);
  return status == LUMI_RASTER_OK && job->failed ? LUMI_RASTER_NO_MEMORY : status;
}

lumi_raster_status lumi_splats_forward(const lumi_splat_scene *scene, void *image) {
  SplatJob job = {.image = image};
  lumi_raster_status status = prepare(&job, scene);
  if (!status)
    lumi_parallel_for(job.bins.tiles, &job, splatKernels(scene->real)->forwardTile);
  return finish(&job, status);
}

lumi_raster_status lumi_splats_backward(
    const lumi_splat_scene *scene, const void *image, const void *image_gradient,
    const lumi_splat_gradients *gradients) {
  SplatJob job = {
      .image = (void *)image, .imageGradient = image_gradient, .gradients = *gradients};
  lumi_raster_status status = prepare(&job, scene);
  if (status) return finish(&job, status);
  // Tiles that nothing flows back through leave their slots at zero.
  size_t slots = (size_t)job.bins.face_offsets[scene->listed];
  size_t size = job.slotSize * (scene->real == LUMI_FLOAT32 ? sizeof(float) : sizeof(double));
  job.slots = slots > SIZE_MAX / size ? NULL : calloc(slots ? slots : 1, size);
  if (!job.slots) return finish(&job, LUMI_RASTER_NO_MEMORY);
  const SplatKernels *kernels = splatKernels(scene->real);
  lumi_parallel_for(job.bins.tiles, &job, kernels->backwardTile);
  lumi_parallel_for(blocks(&job), &job, kernels->reduceSplats);
  return finish(&job, LUMI_RASTER_OK);
}
