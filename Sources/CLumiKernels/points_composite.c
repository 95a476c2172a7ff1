// Squared distances of fragments, and compositing, each with its gradient.
//
// What belongs to a fragment or a pixel is computed in blocks of them; what belongs to a point is
// summed in the order of the fragments by the band that the point is in, so that no sum depends on
// the number of bands or threads.
#include <stdbool.h>
#include <stdlib.h>

#include "include/lumi_points.h"
#include "include/lumi_runtime.h"
#include "raster_dispatch.h"

enum { FRAGMENT_BLOCK = 8192, PIXEL_BLOCK = 2048, BAND_FRAGMENTS = 16384, MOST_BANDS = 16 };

typedef struct {
  const lumi_point_frame *frame;
  const void *positions, *shapes;
  const int32_t *pointIndex, *pixelIndex;
  int64_t count;
  void *forms;
  const void *formGradient;
  void *byPositions, *byShapes;
  int64_t bands;
} FormJob;

typedef struct {
  const lumi_composite_frame *frame;
  const void *weights, *features;
  void *image, *coverage;
  const void *imageGradient, *coverageGradient;
  void *byWeights, *shares, *byFeatures;
  int64_t bands;
} CompositeJob;

// Each band reads every fragment's point once more, so there are few.
static int64_t bandsFor(int64_t fragments) {
  int64_t threads = lumi_threads();
  if (fragments < BAND_FRAGMENTS) return 1;
  return threads < MOST_BANDS ? threads : MOST_BANDS;
}

// The first point of a band.
static int64_t bandStart(int64_t points, int64_t bands, int64_t band) {
  return points * band / bands;
}

typedef struct {
  raster_body forms, formsBackward, composite, compositeBackward, gatherFeatures;
} PointKernels;

#define RASTER_REALS
#define RASTER_BODY "points_composite_body.inc"
#include "raster_levels.h"

static const PointKernels *kernelsFor(lumi_real_type real) {
  static const PointKernels *const single[LUMI_LEVEL_COUNT] = RASTER_TABLE(&pointKernels, f32);
  static const PointKernels *const twice[LUMI_LEVEL_COUNT] = RASTER_TABLE(&pointKernels, f64);
  return (real == LUMI_FLOAT32 ? single : twice)[lumi_level()];
}

static size_t blocksOf(int64_t count, int64_t size) { return (size_t)((count + size - 1) / size); }

void lumi_points_forms(
    const lumi_point_frame *frame, const void *positions, const void *shapes,
    const int32_t *point_index, const int32_t *pixel_index, int64_t count, void *forms) {
  FormJob job = {frame, positions, shapes, point_index, pixel_index, count, .forms = forms};
  lumi_parallel_for(blocksOf(count, FRAGMENT_BLOCK), &job, kernelsFor(frame->real)->forms);
}

void lumi_points_forms_backward(
    const lumi_point_frame *frame, const void *positions, const void *shapes,
    const int32_t *point_index, const int32_t *pixel_index, int64_t count,
    const void *form_gradient, void *by_positions, void *by_shapes) {
  FormJob job = {
      frame, positions, shapes, point_index, pixel_index, count, .formGradient = form_gradient,
      .byPositions = by_positions, .byShapes = frame->ellipses ? by_shapes : NULL,
      .bands = bandsFor(count)};
  lumi_parallel_for((size_t)job.bands, &job, kernelsFor(frame->real)->formsBackward);
}

void lumi_points_composite(
    const lumi_composite_frame *frame, const void *weights, const void *features, void *image,
    void *coverage) {
  CompositeJob job = {frame, weights, features, image, coverage, .bands = 1};
  lumi_parallel_for(
      blocksOf(frame->pixels, PIXEL_BLOCK), &job, kernelsFor(frame->real)->composite);
}

void lumi_points_composite_backward(
    const lumi_composite_frame *frame, const void *weights, const void *features,
    const void *image, const void *coverage, const void *image_gradient,
    const void *coverage_gradient, void *by_weights, void *shares, void *by_features) {
  CompositeJob job = {
      frame, weights, features, (void *)image, (void *)coverage, image_gradient,
      coverage_gradient, by_weights, by_features ? shares : NULL, by_features,
      bandsFor(frame->pixel_offsets[frame->pixels])};
  const PointKernels *kernels = kernelsFor(frame->real);
  lumi_parallel_for(blocksOf(frame->pixels, PIXEL_BLOCK), &job, kernels->compositeBackward);
  if (by_features) lumi_parallel_for((size_t)job.bands, &job, kernels->gatherFeatures);
}
