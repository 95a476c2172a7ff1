// Soft Rasterizer: every face covers every pixel with a probability D that falls off with the
// distance to its boundary; alpha joins the D of all faces, colour is a softmax over depth. The
// image is smooth in the corners, and its gradient reaches hidden faces and pixels outside.
//
// It cannot give a sharp picture: edges are blurred over about sqrt(sigma) and surfaces mix over
// depths of about gamma (far - near). The official gradient leaves out how interpolated colour
// and depth move with the corners' x and y; LUMI_SOFT_COMPLETE has it. Where 1 - D rounds to zero
// nothing flows.
//
// S. Liu, T. Li, W. Chen, H. Li, "Soft Rasterizer: A Differentiable Renderer for Image-based 3D
// Reasoning", ICCV 2019.
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>

#include "include/lumi_raster.h"
#include "raster_binning.h"
#include "raster_dispatch.h"

// Pixels of a row that one window takes; one AVX-512 register of floats.
enum { LANES = 16 };
// Faces that one call of a parallel body sets up or reduces.
enum { FACE_BLOCK = 256 };

// Faces with less than this twice the area are left out.
#define SMALLEST_TWICE_AREA 1e-10
// Depths below this count as zero, so that what is made of their inverses stays finite.
#define SMALLEST_DEPTH 1e-18

// One forward or backward pass.
typedef struct {
  lumi_raster_frame frame;
  lumi_soft_parameters parameters;
  double threshold;  // squared influence radius
  const void *corners, *colors, *background;
  void *image;
  lumi_soft_saved saved;
  const void *imageGradient;
  void *cornerGradient, *colorGradient;
  raster_bins bins;
  void *faces;      // [batch][faces] records of the kernels' own type
  void *slots;      // [face_offsets.last][slotSize]: 9 corner, then colour gradients
  size_t slotSize;
  atomic_bool failed;
} SoftJob;

typedef struct {
  size_t faceSize;
  raster_body setFaces, forwardTile, backwardTile, reduceFaces;
} SoftKernels;

// Colour values per face.
static size_t soft_color_count(const lumi_soft_parameters *p) {
  if (p->color == LUMI_SOFT_SILHOUETTE) return 0;
  size_t resolution = (size_t)p->texel_resolution;
  return (resolution ? resolution * resolution : 3) * (size_t)p->channels;
}

static int64_t soft_color_start(const SoftJob *job, int64_t view, int32_t face) {
  int64_t first = job->parameters.shared_colors ? 0 : view * job->frame.faces;
  return (first + face) * (int64_t)soft_color_count(&job->parameters);
}

#define RASTER_REALS
#define RASTER_BODY "raster_soft_body.inc"
#include "raster_levels.h"

static const SoftKernels *softKernels(lumi_real_type real) {
  static const SoftKernels *const table[2][LUMI_LEVEL_COUNT] = {
      RASTER_TABLE(&softKernels, f32), RASTER_TABLE(&softKernels, f64)};
  return table[real][lumi_level()];
}

static bool parametersAreValid(const lumi_soft_parameters *p) {
  if (!(p->sigma > 0) || !isfinite(p->sigma)) return false;
  if (!(p->distance_eps > 0) || !(p->distance_eps <= 0.5)) return false;
  if (!(p->near_depth > 0) || !(p->far_depth > p->near_depth) || !isfinite(p->far_depth))
    return false;
  if ((unsigned)p->distance > LUMI_SOFT_DISTANCE_HARD) return false;
  if ((unsigned)p->alpha > LUMI_SOFT_ALPHA_HARD) return false;
  if ((unsigned)p->color > LUMI_SOFT_SILHOUETTE) return false;
  if ((unsigned)p->gradient > LUMI_SOFT_COMPLETE) return false;
  if (p->color == LUMI_SOFT_SILHOUETTE) return true;
  if (p->channels < 1 || p->channels > 1 << 16) return false;
  if (p->texel_resolution < 0 || p->texel_resolution > 1 << 12) return false;
  return p->color != LUMI_SOFT_SOFTMAX ||
         (p->gamma > 0 && isfinite(p->gamma) && isfinite(p->background_exponent));
}

static size_t faceBlocks(size_t count) { return (count + FACE_BLOCK - 1) / FACE_BLOCK; }

// Sets up and bins the faces.
static lumi_raster_status prepare(
    SoftJob *job, const lumi_raster_frame *frame, const lumi_soft_parameters *parameters,
    const SoftKernels *kernels) {
  job->frame = *frame;
  job->parameters = *parameters;
  job->threshold = parameters->sigma * log(1 / parameters->distance_eps - 1);
  lumi_raster_status status = raster_bins_create(&job->bins, frame);
  if (status) return status;
  size_t count = (size_t)(frame->batch * frame->faces);
  job->faces = raster_allocate(count, kernels->faceSize);
  if (!job->faces) return LUMI_RASTER_NO_MEMORY;
  lumi_parallel_for(faceBlocks(count), job, kernels->setFaces);
  status = raster_bins_count(&job->bins);
  return status ? status : raster_bins_list(&job->bins);
}

static lumi_raster_status finish(SoftJob *job, lumi_raster_status status) {
  raster_bins_free(&job->bins);
  free(job->faces);
  free(job->slots);
  return status == LUMI_RASTER_OK && job->failed ? LUMI_RASTER_NO_MEMORY : status;
}

lumi_raster_status lumi_soft_forward(
    const lumi_raster_frame *frame, const lumi_soft_parameters *parameters, const void *corners,
    const void *colors, const void *background, void *image, const lumi_soft_saved *saved) {
  if (!raster_frame_is_valid(frame) || !parametersAreValid(parameters)) return LUMI_RASTER_INVALID;
  const SoftKernels *kernels = softKernels(frame->real);
  SoftJob job = {
      .corners = corners, .colors = colors, .background = background, .image = image};
  if (saved) job.saved = *saved;
  lumi_raster_status status = prepare(&job, frame, parameters, kernels);
  if (!status) lumi_parallel_for(job.bins.tiles, &job, kernels->forwardTile);
  return finish(&job, status);
}

static bool isSaved(const lumi_soft_parameters *p, const lumi_soft_saved *saved) {
  if (p->alpha == LUMI_SOFT_PRODUCT && !saved->transmittance) return false;
  if (p->color == LUMI_SOFT_SOFTMAX && (!saved->exponent || !saved->denominator)) return false;
  return p->color != LUMI_SOFT_COLOR_HARD || saved->nearest_face;
}

lumi_raster_status lumi_soft_backward(
    const lumi_raster_frame *frame, const lumi_soft_parameters *parameters, const void *corners,
    const void *colors, const void *image, const lumi_soft_saved *saved,
    const void *image_gradient, void *corner_gradient, void *color_gradient) {
  if (!raster_frame_is_valid(frame) || !parametersAreValid(parameters)) return LUMI_RASTER_INVALID;
  if (!saved || !isSaved(parameters, saved)) return LUMI_RASTER_INVALID;
  const SoftKernels *kernels = softKernels(frame->real);
  SoftJob job = {
      .corners = corners,
      .colors = colors,
      .image = (void *)image,
      .saved = *saved,
      .imageGradient = image_gradient,
      .cornerGradient = corner_gradient,
      .colorGradient = color_gradient};
  lumi_raster_status status = prepare(&job, frame, parameters, kernels);
  if (status) return finish(&job, status);
  job.slotSize = 9 + (color_gradient ? soft_color_count(parameters) : 0);
  size_t slots = (size_t)job.bins.face_offsets[frame->batch * frame->faces];
  size_t valueSize = frame->real == LUMI_FLOAT32 ? sizeof(float) : sizeof(double);
  job.slots = raster_allocate(slots, job.slotSize * valueSize);
  if (!job.slots) return finish(&job, LUMI_RASTER_NO_MEMORY);
  lumi_parallel_for(job.bins.tiles, &job, kernels->backwardTile);
  lumi_parallel_for(faceBlocks((size_t)frame->faces), &job, kernels->reduceFaces);
  return finish(&job, LUMI_RASTER_OK);
}
