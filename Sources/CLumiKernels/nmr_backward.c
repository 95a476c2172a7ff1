// Gradient of the Neural Mesh Renderer; see lumi_nmr.h.
//
// For every edge of a face and every row or column that it crosses, the pixels on both sides are
// visited. If the loss fell were a pixel to show what is on the other side of the edge, the edge is
// drawn there with the slope (fall of the loss) / (distance to travel).
//
// H. Kato, Y. Ushiku, T. Harada, "Neural 3D Mesh Renderer", CVPR 2018.
#include "include/lumi_nmr.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/lumi_runtime.h"
#include "raster_binning.h"

enum { FACE_BLOCK = 64 };

// Pixels of a row or column whose gradient is not 0; empty if last < first.
typedef struct {
  int32_t first, last;
} Extent;

typedef struct {
  lumi_raster_frame frame;
  lumi_nmr_parameters parameters;
  const void *corners;
  const int32_t *faceIndex;
  const void *image, *gradient;
  void *cornerGradient;
  double *own;      // [height][width]: sum over channels of image times gradient
  Extent *rows;     // along x, one per Y
  Extent *columns;  // along y, one per X
} Job;

// A face in pixels, x to the right and y upwards, with integer centres; counter-clockwise.
typedef struct {
  int64_t index;
  int corner[3];  // which of the face's corners each is
  double at[3][2];
  double gradient[3][2];
} Face;

static double load(const Job *job, const void *array, int64_t index) {
  return job->frame.real == LUMI_FLOAT32 ? (double)((const float *)array)[index]
                                         : ((const double *)array)[index];
}

// Pixel at place `along` of an axis (0: column, 1: row from below) and `across` of the other.
static int64_t pixelAt(const Job *job, int axis, int32_t along, int32_t across) {
  int64_t x = axis == 0 ? along : across, y = axis == 0 ? across : along;
  return (job->frame.height - 1 - y) * job->frame.width + x;
}

// How much the loss would fall if `pixel` showed what `shown` shows.
static double benefit(const Job *job, int64_t pixel, int64_t shown) {
  int64_t channels = job->parameters.channels;
  double sum = job->own[pixel];
  for (int64_t c = 0; c < channels; ++c)
    sum -= load(job, job->image, shown * channels + c) *
           load(job, job->gradient, pixel * channels + c);
  return sum;
}

// One crossing of an edge with a row or column.
typedef struct {
  int axis, ends[2];
  int32_t along;
  double across;     // where the edge is
  double lambda[2];  // how far it moves there when an end moves by 1
} Crossing;

static void pull(const Job *job, Face *face, const Crossing *c, int32_t at, double amount) {
  if (!(amount > 0)) return;
  double unit = 2.0 / (double)(job->frame.height < job->frame.width ? job->frame.height
                                                                    : job->frame.width);
  for (int m = 0; m < 2; ++m) {
    if (c->lambda[m] == 0) continue;
    double distance = (at - c->across) * unit / c->lambda[m];
    distance += distance > 0 ? job->parameters.epsilon : -job->parameters.epsilon;
    face->gradient[c->ends[m]][1 - c->axis] -= amount / distance;
  }
}

static int32_t clampTo(double value, int32_t count) {
  return (int32_t)fmin(fmax(value, 0), count - 1);
}

// Pixels that the edge would cover if it grew; only where the edge is seen.
static void sweepOutside(
    const Job *job, Face *face, const Crossing *c, int32_t inner, int direction) {
  int64_t inside = pixelAt(job, c->axis, c->along, inner);
  if (job->faceIndex[inside] != face->index) return;
  Extent extent = c->axis == 0 ? job->columns[c->along] : job->rows[c->along];
  int32_t start = inner + direction, end = direction > 0 ? extent.last : extent.first;
  if (direction > 0 && start < extent.first) start = extent.first;
  if (direction < 0 && start > extent.last) start = extent.last;
  for (int32_t at = start; direction > 0 ? at <= end : at >= end; at += direction)
    pull(job, face, c, at, benefit(job, pixelAt(job, c->axis, c->along, at), inside));
}

// Pixels of the face that the edge would give up if it retreated, up to the opposite side.
static void sweepInside(
    const Job *job, Face *face, const Crossing *c, int32_t inner, int direction, int opposite) {
  int32_t count = (int32_t)(c->axis == 0 ? job->frame.height : job->frame.width);
  const double *p0 = face->at[c->ends[0]], *p1 = face->at[c->ends[1]];
  const double *p2 = face->at[opposite];
  int s = c->axis, t = 1 - c->axis;
  const double *from = (c->along - p0[s]) * (c->along - p2[s]) < 0 ? p0 : p1;
  double far = from[s] == p2[s]
                   ? p2[t]
                   : from[t] + (p2[t] - from[t]) / (p2[s] - from[s]) * (c->along - from[s]);
  int32_t limit = clampTo(direction > 0 ? ceil(far) : floor(far), count);
  int64_t outside = pixelAt(job, c->axis, c->along, inner + direction);
  int32_t low = inner < limit ? inner : limit, high = inner < limit ? limit : inner;
  for (int32_t at = low; at <= high; ++at) {
    int64_t pixel = pixelAt(job, c->axis, c->along, at);
    if (job->faceIndex[pixel] == face->index)
      pull(job, face, c, at, benefit(job, pixel, outside));
  }
}

static void visitEdge(const Job *job, Face *face, int k, int axis) {
  int ends[2] = {k, (k + 1) % 3};
  const double *p0 = face->at[ends[0]], *p1 = face->at[ends[1]];
  double s0 = p0[axis], s1 = p1[axis], t0 = p0[1 - axis], t1 = p1[1 - axis];
  if (s0 == s1) return;
  int32_t size = (int32_t)(axis == 0 ? job->frame.width : job->frame.height);
  int32_t across = (int32_t)(axis == 0 ? job->frame.height : job->frame.width);
  int direction = (p0[axis] < p1[axis]) == (axis == 0) ? -1 : 1;
  int32_t first = (int32_t)fmin(ceil(fmax(fmin(s0, s1), 0)), size);
  // Towards zero, as published: an edge that ends just left of the first column still counts there.
  int32_t last = (int32_t)fmax(trunc(fmin(fmax(s0, s1), size - 1)), -1);
  for (int32_t along = first; along <= last; ++along) {
    Crossing c = {
        .axis = axis,
        .ends = {ends[0], ends[1]},
        .along = along,
        .across = t0 + (t1 - t0) / (s1 - s0) * (along - s0),
        .lambda = {(s1 - along) / (s1 - s0), (along - s0) / (s1 - s0)}};
    double inner = direction > 0 ? floor(c.across) : ceil(c.across);
    double outer = inner + direction;
    if (!(inner >= 0 && inner < across && outer >= 0 && outer < across)) continue;
    sweepOutside(job, face, &c, (int32_t)inner, direction);
    sweepInside(job, face, &c, (int32_t)inner, direction, (k + 2) % 3);
  }
}

// Reads a face and turns it counter-clockwise; false if it is not drawn.
static bool readFace(const Job *job, int64_t index, Face *face) {
  double half = (double)(job->frame.height < job->frame.width ? job->frame.height
                                                              : job->frame.width) / 2;
  *face = (Face){.index = index, .corner = {0, 1, 2}};
  for (int k = 0; k < 3; ++k) {
    int64_t at = 9 * index + 3 * k;
    face->at[k][0] = load(job, job->corners, at) * half + (double)(job->frame.width - 1) / 2;
    face->at[k][1] = load(job, job->corners, at + 1) * half + (double)(job->frame.height - 1) / 2;
    if (!isfinite(face->at[k][0]) || !isfinite(face->at[k][1])) return false;
    if (!(load(job, job->corners, at + 2) > 0)) return false;
  }
  double(*p)[2] = face->at;
  double area =
      (p[1][0] - p[0][0]) * (p[2][1] - p[0][1]) - (p[1][1] - p[0][1]) * (p[2][0] - p[0][0]);
  if (area == 0 || (area < 0 && job->parameters.culls_back)) return false;
  if (area > 0) return true;
  for (int i = 0; i < 2; ++i) {
    double swap = p[1][i];
    p[1][i] = p[2][i];
    p[2][i] = swap;
  }
  face->corner[1] = 2;
  face->corner[2] = 1;
  return true;
}

static void store(const Job *job, int64_t index, double value) {
  if (!isfinite(value)) value = 0;
  if (job->frame.real == LUMI_FLOAT32)
    ((float *)job->cornerGradient)[index] = isfinite((float)value) ? (float)value : 0;
  else
    ((double *)job->cornerGradient)[index] = value;
}

static void visitFaces(void *context, size_t block) {
  const Job *job = context;
  int64_t start = (int64_t)block * FACE_BLOCK;
  int64_t end = start + FACE_BLOCK < job->frame.faces ? start + FACE_BLOCK : job->frame.faces;
  for (int64_t index = start; index < end; ++index) {
    Face face;
    if (readFace(job, index, &face))
      for (int k = 0; k < 3; ++k)
        for (int axis = 0; axis < 2; ++axis) visitEdge(job, &face, k, axis);
    for (int k = 0; k < 3; ++k) {
      int64_t at = 9 * index + 3 * face.corner[k];
      store(job, at, face.gradient[k][0]);
      store(job, at + 1, face.gradient[k][1]);
      store(job, at + 2, 0);
    }
  }
}

static void widen(Extent *extent, int32_t at) {
  if (at < extent->first) extent->first = at;
  if (at > extent->last) extent->last = at;
}

// Sums of image times gradient, and where gradients are.
static void prepare(Job *job) {
  int32_t height = (int32_t)job->frame.height, width = (int32_t)job->frame.width;
  int64_t channels = job->parameters.channels;
  for (int32_t y = 0; y < height; ++y) job->rows[y] = (Extent){width, -1};
  for (int32_t x = 0; x < width; ++x) job->columns[x] = (Extent){height, -1};
  for (int32_t y = 0; y < height; ++y)
    for (int32_t x = 0; x < width; ++x) {
      int64_t pixel = pixelAt(job, 0, x, y);
      double sum = 0;
      bool isUsed = false;
      for (int64_t c = 0; c < channels; ++c) {
        double g = load(job, job->gradient, pixel * channels + c);
        isUsed |= g != 0;
        sum += load(job, job->image, pixel * channels + c) * g;
      }
      job->own[pixel] = sum;
      if (!isUsed) continue;
      widen(&job->rows[y], x);
      widen(&job->columns[x], y);
    }
}

lumi_raster_status lumi_nmr_backward(
    const lumi_raster_frame *frame, const lumi_nmr_parameters *parameters, const void *corners,
    const int32_t *face_index, const void *image, const void *image_gradient,
    void *corner_gradient) {
  if (!raster_frame_is_valid(frame) || frame->batch != 1 || parameters->channels < 1 ||
      !(parameters->epsilon > 0))
    return LUMI_RASTER_INVALID;
  Job job = {
      .frame = *frame,
      .parameters = *parameters,
      .corners = corners,
      .faceIndex = face_index,
      .image = image,
      .gradient = image_gradient,
      .cornerGradient = corner_gradient,
      .own = raster_allocate((size_t)(frame->height * frame->width), sizeof(double)),
      .rows = raster_allocate((size_t)frame->height, sizeof(Extent)),
      .columns = raster_allocate((size_t)frame->width, sizeof(Extent))};
  lumi_raster_status status = LUMI_RASTER_NO_MEMORY;
  if (job.own && job.rows && job.columns) {
    prepare(&job);
    size_t blocks = (size_t)(frame->faces + FACE_BLOCK - 1) / FACE_BLOCK;
    lumi_parallel_for(blocks, &job, visitFaces);
    status = LUMI_RASTER_OK;
  }
  free(job.own);
  free(job.rows);
  free(job.columns);
  return status;
}
