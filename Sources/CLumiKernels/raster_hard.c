// Hard rasteriser: the nearest face of every pixel centre, and the derivative of what is
// interpolated over it.
//
// The derivative treats visibility as fixed. It is exact inside a face and blind to silhouettes and
// occlusion: a face of one colour gets no gradient at its corners' x and y except through depth.
//
// Coverage is decided in double. An edge is evaluated from the end nearer to the pixel, whichever
// face asks, so that two neighbours get exactly opposite values and no pixel centre falls between
// them, not even at a corner shared by many.
//
// The rules are those of analytic derivatives through a rasteriser as in H.-T. D. Liu, M. Tao,
// A. Jacobson, "Paparazzi: Surface Editing by way of Multi-View Image Processing", ACM TOG 2018.
#include <math.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/lumi_raster.h"
#include "raster_binning.h"
#include "raster_dispatch.h"

// Pixels of a row that one window takes: one AVX-512 register of doubles.
enum { LANES = 8 };
enum { FACE_BLOCK = 256 };

// Faces with less than this twice the area are left out.
#define SMALLEST_TWICE_AREA 1e-12
// Depths below this count as zero, so that what is made of their inverses stays finite.
#define SMALLEST_DEPTH 1e-18
// A later face must be nearer by more than this part of the depth.
#define DEPTH_SLACK 1e-9

// Edge k is opposite to corner k. Its function is dx (y - endY) - dy (x - endX) with either end, dx
// and dy negated if needed to be positive inside. Low is the end with the smaller y, then x.
typedef struct {
  double lowX[3], lowY[3], highX[3], highY[3], dx[3], dy[3];
  double depth[3];  // what the depth test interpolates: 1 / z or z of the corners
} HardFace;

typedef struct {
  lumi_raster_frame frame;
  lumi_hard_parameters parameters;
  const void *corners, *attributes, *background;
  int32_t *faceIndex;
  void *barycentrics, *image;
  const void *imageGradient;
  void *cornerGradient, *attributeGradient;
  raster_bins bins;
  HardFace *faces;  // [batch][faces]; NULL if nobody asks for edges
  void *slots;      // [face_offsets.last][slotSize]
  size_t slotSize;
} HardJob;

typedef struct {
  raster_body setFaces, forwardTile, backwardTile, reduceFaces;
} HardKernels;

// Stores the edge from a to b so that it does not depend on their order, but for `sign`.
static inline void setEdge(HardFace *face, int k, const double *a, const double *b, double sign) {
  bool swap = b[1] < a[1] || (b[1] == a[1] && b[0] < a[0]);
  const double *low = swap ? b : a, *high = swap ? a : b;
  double direction = swap ? -sign : sign;
  face->lowX[k] = low[0];
  face->lowY[k] = low[1];
  face->highX[k] = high[0];
  face->highY[k] = high[1];
  face->dx[k] = direction * (high[0] - low[0]);
  face->dy[k] = direction * (high[1] - low[1]);
}

// Twice the signed area of corners given as x, y, z.
static inline double twiceAreaOf(const double *c) {
  return (c[3] - c[0]) * (c[7] - c[1]) - (c[4] - c[1]) * (c[6] - c[0]);
}

static inline size_t imageChannels(const lumi_hard_parameters *p) {
  return (size_t)p->channels + (p->extra != LUMI_HARD_NOTHING);
}

static inline bool isDrawn(const double *corners) {
  for (int i = 0; i < 9; ++i)
    if (!isfinite(corners[i])) return false;
  for (int k = 0; k < 3; ++k)
    if (corners[3 * k + 2] < SMALLEST_DEPTH) return false;
  double twiceArea = fabs(twiceAreaOf(corners));
  return isfinite(twiceArea) && twiceArea >= SMALLEST_TWICE_AREA;
}

static inline void setHardFace(HardFace *face, const double *corners, bool perspective) {
  double sign = twiceAreaOf(corners) < 0 ? -1 : 1;
  for (int k = 0; k < 3; ++k) {
    setEdge(face, k, corners + 3 * ((k + 1) % 3), corners + 3 * ((k + 2) % 3), sign);
    face->depth[k] = perspective ? 1 / corners[3 * k + 2] : corners[3 * k + 2];
  }
}

static inline raster_box hardBox(const double *c, const lumi_raster_frame *frame) {
  double left = fmin(c[0], fmin(c[3], c[6])), right = fmax(c[0], fmax(c[3], c[6]));
  double low = fmin(c[1], fmin(c[4], c[7])), high = fmax(c[1], fmax(c[4], c[7]));
  return raster_box_of(frame, left, right, low, high);
}

#define RASTER_REALS
#define RASTER_BODY "raster_hard_body.inc"
#include "raster_levels.h"

static const HardKernels *hardKernels(lumi_real_type real) {
  static const HardKernels *const table[2][LUMI_LEVEL_COUNT] = {
      RASTER_TABLE(&hardKernels, f32), RASTER_TABLE(&hardKernels, f64)};
  return table[real][lumi_level()];
}

static bool parametersAreValid(const lumi_hard_parameters *p) {
  return p->channels >= 0 && p->channels <= 1 << 16 && p->extra >= 0 && p->extra <= LUMI_HARD_DEPTH &&
          p->near_depth <= p->far_depth;
}

static size_t faceBlocks(size_t count) { return (count + FACE_BLOCK - 1) / FACE_BLOCK; }

static lumi_raster_status finish(HardJob *job, lumi_raster_status status) {
  raster_bins_free(&job->bins);
  free(job->faces);
  free(job->slots);
  return status;
}

static lumi_raster_status forward(HardJob *job) {
  if (!raster_frame_is_valid(&job->frame) || !parametersAreValid(&job->parameters))
    return LUMI_RASTER_INVALID;
  const HardKernels *kernels = hardKernels(job->frame.real);
  lumi_raster_status status = raster_bins_create(&job->bins, &job->frame);
  if (status) return finish(job, status);
  size_t count = (size_t)(job->frame.batch * job->frame.faces);
  job->faces = raster_allocate(count, sizeof *job->faces);
  if (!job->faces) return finish(job, LUMI_RASTER_NO_MEMORY);
  lumi_parallel_for(faceBlocks(count), job, kernels->setFaces);
  status = raster_bins_count(&job->bins);
  if (!status) status = raster_bins_list(&job->bins);
  if (!status) lumi_parallel_for(job->bins.tiles, job, kernels->forwardTile);
  return finish(job, status);
}

lumi_raster_status lumi_hard_visibility(
    const lumi_raster_frame *frame, const lumi_hard_parameters *parameters, const void *corners,
    int32_t *face_index, void *barycentrics) {
  HardJob job = {
      .frame = *frame,
      .parameters = *parameters,
      .corners = corners,
      .faceIndex = face_index,
      .barycentrics = barycentrics};
  return forward(&job);
}

lumi_raster_status lumi_hard_forward(
    const lumi_raster_frame *frame, const lumi_hard_parameters *parameters, const void *corners,
    const void *attributes, const void *background, int32_t *face_index, void *barycentrics,
    void *image) {
  HardJob job = {
      .frame = *frame,
      .parameters = *parameters,
      .corners = corners,
      .attributes = attributes,
      .background = background,
      .faceIndex = face_index,
      .barycentrics = barycentrics,
      .image = image};
  return forward(&job);
}

lumi_raster_status lumi_hard_backward(
    const lumi_raster_frame *frame, const lumi_hard_parameters *parameters, const void *corners,
    const void *attributes, const int32_t *face_index, const void *barycentrics,
    const void *image_gradient, void *corner_gradient, void *attribute_gradient) {
  if (!raster_frame_is_valid(frame) || !parametersAreValid(parameters)) return LUMI_RASTER_INVALID;
  const HardKernels *kernels = hardKernels(frame->real);
  HardJob job = {
      .frame = *frame,
      .parameters = *parameters,
      .corners = corners,
      .attributes = attributes,
      .faceIndex = (int32_t *)face_index,
      .barycentrics = (void *)barycentrics,
      .imageGradient = image_gradient,
      .cornerGradient = corner_gradient,
      .attributeGradient = attribute_gradient};
  lumi_raster_status status = raster_bins_create(&job.bins, frame);
  if (status) return finish(&job, status);
  size_t count = (size_t)(frame->batch * frame->faces);
  if (!barycentrics) {
    job.faces = raster_allocate(count, sizeof *job.faces);
    if (!job.faces) return finish(&job, LUMI_RASTER_NO_MEMORY);
  }
  lumi_parallel_for(faceBlocks(count), &job, kernels->setFaces);
  status = raster_bins_count(&job.bins);
  if (status) return finish(&job, status);
  job.slotSize = 12 + (attribute_gradient ? 3 * (size_t)parameters->channels : 0);
  size_t valueSize = frame->real == LUMI_FLOAT32 ? sizeof(float) : sizeof(double);
  size_t slots = (size_t)job.bins.face_offsets[count];
  if (slots > SIZE_MAX / valueSize / job.slotSize) return finish(&job, LUMI_RASTER_NO_MEMORY);
  job.slots = calloc(slots ? slots : 1, job.slotSize * valueSize);
  if (!job.slots) return finish(&job, LUMI_RASTER_NO_MEMORY);
  lumi_parallel_for(job.bins.tiles, &job, kernels->backwardTile);
  lumi_parallel_for(faceBlocks(count), &job, kernels->reduceFaces);
  return finish(&job, LUMI_RASTER_OK);
}
