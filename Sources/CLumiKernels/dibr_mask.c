// The soft mask of DIB-R, forward and backward; see lumi_dibr.h.
//
// W. Chen et al., "Learning to Predict 3D Objects with an Interpolation-based Differentiable
// Renderer", NeurIPS 2019, in the form of Kaolin.
#include "include/lumi_dibr.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/lumi_runtime.h"
#include "raster_binning.h"

// Gradients of a face's three corners' x and y, per face and tile.
enum { SLOT = 6, FACE_BLOCK = 256 };

// Added to squared lengths: 1e-7 in thousandths of a screen unit, as published.
#define LENGTH_GUARD 1e-13

typedef struct {
  double x, y;
} Point;

// A face and its box grown by the reach.
typedef struct {
  Point corner[3];
  double left, right, low, high;
} Face;

typedef struct {
  lumi_raster_frame frame;
  lumi_dibr_parameters parameters;
  const void *corners;
  const int32_t *faceIndex;
  void *mask;
  const void *maskGradient;
  void *cornerGradient;
  raster_bins bins;
  Face *faces;
  double *slots;
} Job;

// The point of a face's boundary nearest to a pixel, on the line from corner `start` to the next.
typedef struct {
  double squared;
  Point toNearest;  // from the pixel
  int start;
  double share;  // of the next corner; 0 at the corner itself
} Nearest;

static double load(const Job *job, const void *array, int64_t index) {
  return job->frame.real == LUMI_FLOAT32 ? (double)((const float *)array)[index]
                                         : ((const double *)array)[index];
}

static void store(const Job *job, void *array, int64_t index, double value) {
  if (job->frame.real == LUMI_FLOAT32)
    ((float *)array)[index] = (float)value;
  else
    ((double *)array)[index] = value;
}

static Point cornerOf(const Job *job, int64_t face, int k) {
  return (Point){
      load(job, job->corners, 9 * face + 3 * k), load(job, job->corners, 9 * face + 3 * k + 1)};
}

static Point centerOf(const Job *job, int32_t row, int32_t column) {
  int64_t height = job->frame.height, width = job->frame.width;
  return (Point){
      (double)(2 * column + 1 - width) / (double)width * job->parameters.half_width,
      (double)(height - 1 - 2 * row) / (double)height * job->parameters.half_height};
}

static double least(double a, double b) { return a < b ? a : b; }
static double most(double a, double b) { return a > b ? a : b; }

static Face faceOf(const Job *job, int64_t index) {
  Face face = {{cornerOf(job, index, 0), cornerOf(job, index, 1), cornerOf(job, index, 2)}};
  const Point *c = face.corner;
  double reach = job->parameters.reach;
  face.left = least(c[0].x, least(c[1].x, c[2].x)) - reach;
  face.right = most(c[0].x, most(c[1].x, c[2].x)) + reach;
  face.low = least(c[0].y, least(c[1].y, c[2].y)) - reach;
  face.high = most(c[0].y, most(c[1].y, c[2].y)) + reach;
  return face;
}

// On the right and on top the box is open, as published.
static bool boxHolds(const Face *face, Point p) {
  return p.x >= face->left && p.x < face->right && p.y >= face->low && p.y < face->high;
}

static Nearest nearestOf(const Point *corner, Point p) {
  Nearest best = {.squared = INFINITY};
  for (int k = 0; k < 3; ++k) {
    Point a = {corner[k].x - p.x, corner[k].y - p.y};
    Point b = {corner[(k + 1) % 3].x - p.x, corner[(k + 1) % 3].y - p.y};
    Point d = {b.x - a.x, b.y - a.y};
    double length = d.x * d.x + d.y * d.y;
    double share = length > 0 ? least(most(-(a.x * d.x + a.y * d.y) / length, 0), 1) : 0;
    Point q = {a.x + share * d.x, a.y + share * d.y};
    double squared = q.x * q.x + q.y * q.y, cross = a.x * d.y - a.y * d.x;
    // Between the ends the published quotient, which prefers the shorter of two lines in line.
    if (share > 0 && share < 1) squared = cross * cross / (length + LENGTH_GUARD);
    if (squared < best.squared) best = (Nearest){squared, q, k, share};
  }
  return best;
}

typedef void (*FaceVisitor)(
    const Job *job, int64_t slot, const Nearest *nearest, double probability, void *context);

// Calls for every face that counts at a pixel, by index; 1 - the union of their probabilities.
static double visitPixel(
    const Job *job, const raster_tile *tile, size_t tileIndex, int32_t row, int32_t column,
    FaceVisitor visit, void *context) {
  Point p = centerOf(job, row, column);
  double rest = 1;
  int64_t left = job->parameters.faces_per_pixel;
  for (int64_t e = job->bins.tile_offsets[tileIndex];
       e < job->bins.tile_offsets[tileIndex + 1] && left > 0; ++e) {
    int32_t face = job->bins.tile_faces[e];
    if (!boxHolds(&job->faces[face], p)) continue;
    --left;
    Nearest nearest = nearestOf(job->faces[face].corner, p);
    double probability = exp(-nearest.squared * job->parameters.inverse_sigma);
    rest *= 1 - probability;
    if (visit) visit(job, raster_slot(&job->bins, tile, face), &nearest, probability, context);
  }
  return rest;
}

static void forwardTile(void *context, size_t index) {
  Job *job = context;
  raster_tile tile = raster_tile_at(&job->bins, index);
  for (int32_t row = tile.top; row < tile.bottom; ++row)
    for (int32_t column = tile.left; column < tile.right; ++column) {
      size_t pixel = raster_pixel(&job->bins, &tile, row, column);
      bool isCovered = job->faceIndex[pixel] >= 0;
      double rest =
          isCovered ? 0 : visitPixel(job, &tile, index, row, column, NULL, NULL);
      store(job, job->mask, (int64_t)pixel, 1 - rest);
    }
}

// d mask / d distance^2 = -inverse_sigma probability (1 - mask) / (1 - probability).
static void addGradient(
    const Job *job, int64_t slot, const Nearest *nearest, double probability, void *context) {
  double scale = *(const double *)context;
  double others = 1 - probability + job->parameters.reciprocal_guard;
  if (!(others > 0)) return;
  double g = -job->parameters.inverse_sigma * scale * probability / others;
  double *sums = job->slots + SLOT * slot;
  int end = (nearest->start + 1) % 3;
  double shares[2] = {1 - nearest->share, nearest->share};
  int ends[2] = {nearest->start, end};
  for (int i = 0; i < 2; ++i) {
    sums[2 * ends[i]] += 2 * g * shares[i] * nearest->toNearest.x;
    sums[2 * ends[i] + 1] += 2 * g * shares[i] * nearest->toNearest.y;
  }
}

static void backwardTile(void *context, size_t index) {
  Job *job = context;
  raster_tile tile = raster_tile_at(&job->bins, index);
  for (int32_t row = tile.top; row < tile.bottom; ++row)
    for (int32_t column = tile.left; column < tile.right; ++column) {
      size_t pixel = raster_pixel(&job->bins, &tile, row, column);
      double g = load(job, job->maskGradient, (int64_t)pixel);
      if (job->faceIndex[pixel] >= 0 || g == 0) continue;
      // The mask in full precision: 1 minus a rounded mask would not do.
      double rest = visitPixel(job, &tile, index, row, column, NULL, NULL) * g;
      if (rest != 0) visitPixel(job, &tile, index, row, column, addGradient, &rest);
    }
}

static void reduceFaces(void *context, size_t block) {
  Job *job = context;
  int64_t start = (int64_t)block * FACE_BLOCK;
  int64_t end = start + FACE_BLOCK < job->frame.faces ? start + FACE_BLOCK : job->frame.faces;
  for (int64_t face = start; face < end; ++face) {
    double sums[SLOT] = {0};
    for (int64_t s = job->bins.face_offsets[face]; s < job->bins.face_offsets[face + 1]; ++s)
      for (int i = 0; i < SLOT; ++i) sums[i] += job->slots[SLOT * s + i];
    for (int k = 0; k < 3; ++k) {
      for (int i = 0; i < 2; ++i)
        store(
            job, job->cornerGradient, 9 * face + 3 * k + i,
            isfinite((float)sums[2 * k + i]) ? sums[2 * k + i] : 0);
      store(job, job->cornerGradient, 9 * face + 3 * k + 2, 0);
    }
  }
}

static void setFaces(Job *job) {
  // Bins measure in units in which the shorter side spans [-1, 1].
  double height = (double)job->frame.height, width = (double)job->frame.width;
  double shorter = least(height, width);
  double sx = width / shorter / job->parameters.half_width;
  double sy = height / shorter / job->parameters.half_height;
  for (int64_t index = 0; index < job->frame.faces; ++index) {
    Face face = job->faces[index] = faceOf(job, index);
    const Point *c = face.corner;
    bool isFinite = true;
    for (int k = 0; k < 3; ++k) isFinite &= isfinite(c[k].x) && isfinite(c[k].y);
    // What cannot be drawn comes as a face whose corners are one.
    bool isPoint = c[0].x == c[1].x && c[0].x == c[2].x && c[0].y == c[1].y && c[0].y == c[2].y;
    job->bins.boxes[index] = (raster_box){0, -1, 0, -1};
    if (!isFinite || isPoint) continue;
    job->bins.boxes[index] = raster_box_of(
        &job->frame, sx * face.left, sx * face.right, sy * face.low, sy * face.high);
  }
}

static lumi_raster_status prepare(Job *job) {
  const lumi_dibr_parameters *p = &job->parameters;
  if (!raster_frame_is_valid(&job->frame) || job->frame.batch != 1 || !(p->half_width > 0) ||
      !(p->half_height > 0) || !(p->inverse_sigma > 0) || !(p->reach >= 0) ||
      p->faces_per_pixel < 1 || !(p->reciprocal_guard >= 0))
    return LUMI_RASTER_INVALID;
  lumi_raster_status status = raster_bins_create(&job->bins, &job->frame);
  if (status) return status;
  size_t faces = (size_t)job->frame.faces;
  job->faces = malloc((faces ? faces : 1) * sizeof(Face));
  if (!job->faces) return LUMI_RASTER_NO_MEMORY;
  setFaces(job);
  status = raster_bins_count(&job->bins);
  return status ? status : raster_bins_list(&job->bins);
}

lumi_raster_status lumi_dibr_forward(
    const lumi_raster_frame *frame, const lumi_dibr_parameters *parameters, const void *corners,
    const int32_t *face_index, void *mask) {
  Job job = {
      .frame = *frame,
      .parameters = *parameters,
      .corners = corners,
      .faceIndex = face_index,
      .mask = mask};
  lumi_raster_status status = prepare(&job);
  if (!status) lumi_parallel_for(job.bins.tiles, &job, forwardTile);
  free(job.faces);
  raster_bins_free(&job.bins);
  return status;
}

lumi_raster_status lumi_dibr_backward(
    const lumi_raster_frame *frame, const lumi_dibr_parameters *parameters, const void *corners,
    const int32_t *face_index, const void *mask_gradient, void *corner_gradient) {
  Job job = {
      .frame = *frame,
      .parameters = *parameters,
      .corners = corners,
      .faceIndex = face_index,
      .maskGradient = mask_gradient,
      .cornerGradient = corner_gradient};
  lumi_raster_status status = prepare(&job);
  if (!status) {
    size_t slots = (size_t)job.bins.face_offsets[frame->faces];
    job.slots = calloc(slots ? slots : 1, SLOT * sizeof(double));
    status = job.slots ? LUMI_RASTER_OK : LUMI_RASTER_NO_MEMORY;
  }
  if (!status) {
    lumi_parallel_for(job.bins.tiles, &job, backwardTile);
    lumi_parallel_for((size_t)(frame->faces + FACE_BLOCK - 1) / FACE_BLOCK, &job, reduceFaces);
  }
  free(job.slots);
  free(job.faces);
  raster_bins_free(&job.bins);
  return status;
}
