// Body of raster_fragments.c, compiled for every vector level.
#include "raster_triangle.h"
#include "raster_reach.h"

static void NAME(readCorners)(double *corners, const FragmentJob *job, size_t face) {
  for (size_t i = 0; i < 9; ++i)
    corners[i] = job->frame.real == LUMI_FLOAT32 ? ((const float *)job->corners)[9 * face + i]
                                                 : ((const double *)job->corners)[9 * face + i];
}

// Sets up a block of faces and finds the pixels that they touch.
static void NAME(setTriangles)(void *context, size_t block) {
  FragmentJob *job = context;
  const lumi_fragment_parameters *p = &job->parameters;
  size_t count = (size_t)(job->frame.batch * job->frame.faces);
  size_t end = (block + 1) * FACE_BLOCK < count ? (block + 1) * FACE_BLOCK : count;
  NAME(Triangle) *triangles = job->triangles;
  for (size_t i = block * FACE_BLOCK; i < end; ++i) {
    double corners[9];
    raster_box box = {0, -1, 0, -1};
    NAME(readCorners)(corners, job, i);
    if (NAME(setTriangle)(&triangles[i], corners, p->minimum_twice_area, p->minimum_depth)) {
      NAME(Bounds) b = NAME(boundsOf)(&triangles[i], sqrt(p->radius_squared));
      box = raster_box_of(&job->frame, b.left, b.right, b.low, b.high);
    }
    job->bins.boxes[i] = box;
  }
}

// Counts or writes one face's fragments of one row, columns first...last.
static inline void NAME(visitRow)(
    FragmentJob *job, const NAME(Triangle) *triangle, int32_t face, const double *x, double y,
    int64_t *cursors, int32_t count) {
  NAME(Reach) reach;
  for (int32_t start = 0; start < count; start += LANES) {
    NAME(findBarycentrics)(&reach, triangle, x + start, y);
    NAME(findEuclidean)(&reach, triangle, x + start, y, job->parameters.radius_squared, false);
    if (job->parameters.edges_inside)
      FOR_LANES reach.active[i] |= NAME(contains)(&reach, i);
    int32_t lanes = count - start < LANES ? count - start : LANES;
    for (int32_t i = 0; i < lanes; ++i) {
      if (!reach.active[i]) continue;
      if (job->faceIndex) job->faceIndex[cursors[start + i]] = face;
      cursors[start + i] += 1;
    }
  }
}

// Counts the fragments of one tile, or fills them in once the lists are there.
static void NAME(visitTile)(void *context, size_t index) {
  FragmentJob *job = context;
  raster_tile tile = raster_tile_at(&job->bins, index);
  double x[RASTER_TILE + LANES];
  for (int i = 0; i < RASTER_TILE + LANES; ++i) x[i] = raster_pixel_x(&job->bins, tile.left + i);
  int64_t first = tile.view * job->frame.faces;
  for (int64_t e = job->bins.tile_offsets[index]; e < job->bins.tile_offsets[index + 1]; ++e) {
    int32_t face = job->bins.tile_faces[e];
    const NAME(Triangle) *triangle = (const NAME(Triangle) *)job->triangles + first + face;
    raster_box box = raster_clip_box(job->bins.boxes[first + face], &tile);
    for (int32_t row = box.top; row <= box.bottom; ++row)
      NAME(visitRow)(
          job, triangle, face, x + (box.left - tile.left), raster_pixel_y(&job->bins, row),
          job->cursors + raster_pixel(&job->bins, &tile, row, box.left), box.right - box.left + 1);
  }
}

// Depth of a triangle's plane at a point, by PyTorch3D's rules.
static double NAME(depthAt)(
    const NAME(Triangle) *t, double x, double y, const lumi_fragment_parameters *p) {
  double w[3], sum = 0;
  for (int k = 0; k < 3; ++k) {
    int origin = (k + 1) % 3;
    w[k] = t->slopeX[k] * (x - t->x[origin]) + t->slopeY[k] * (y - t->y[origin]);
    if (p->perspective_correct) w[k] *= t->z[(k + 1) % 3] * t->z[(k + 2) % 3];
    sum += w[k];
  }
  if (p->perspective_correct)
    for (int k = 0; k < 3; ++k) w[k] /= sum > 1e-8 ? sum : 1e-8;
  if (p->clip_barycentric) {
    sum = 0;
    for (int k = 0; k < 3; ++k) sum += w[k] = w[k] > 0 ? w[k] : 0;
    for (int k = 0; k < 3; ++k) w[k] /= sum > 1e-5 ? sum : 1e-5;
  }
  // The weights sum to one; this form is exact where the corners share a depth, so that ties stay.
  return t->z[0] + w[1] * (t->z[1] - t->z[0]) + w[2] * (t->z[2] - t->z[0]);
}

// Keeps a pixel's nearest faces at the front of its list, sorted by depth and then index. A list
// comes in ascending index order, so that a later equal depth goes behind. Returns how many.
static int64_t NAME(selectNearest)(
    int32_t *list, int64_t count, double *depths, const NAME(Triangle) *triangles, double x,
    double y, const lumi_fragment_parameters *p) {
  int64_t kept = 0;
  for (int64_t i = 0; i < count; ++i) {
    int32_t face = list[i];
    double depth = NAME(depthAt)(&triangles[face], x, y, p);
    if (!(depth >= 0)) continue;
    int64_t place = kept;
    while (place > 0 && depths[place - 1] > depth) --place;
    if (place == p->nearest) continue;
    if (kept < p->nearest) ++kept;
    for (int64_t j = kept - 1; j > place; --j) {
      list[j] = list[j - 1];
      depths[j] = depths[j - 1];
    }
    list[place] = face;
    depths[place] = depth;
  }
  return kept;
}

// Selects in every pixel of a tile; cursors hold offsets and receive the numbers kept.
static void NAME(selectTile)(void *context, size_t index) {
  FragmentJob *job = context;
  raster_tile tile = raster_tile_at(&job->bins, index);
  int64_t entries = job->bins.tile_offsets[index + 1] - job->bins.tile_offsets[index];
  double *depths = raster_allocate((size_t)entries, sizeof *depths);
  if (!depths) {
    atomic_store(&job->failed, true);
    return;
  }
  const NAME(Triangle) *triangles =
      (const NAME(Triangle) *)job->triangles + tile.view * job->frame.faces;
  for (int32_t row = tile.top; row < tile.bottom; ++row)
    for (int32_t column = tile.left; column < tile.right; ++column) {
      size_t pixel = raster_pixel(&job->bins, &tile, row, column);
      int64_t start = job->offsets[pixel];
      job->cursors[pixel] = NAME(selectNearest)(
          job->faceIndex + start, job->offsets[pixel + 1] - start, depths, triangles,
          raster_pixel_x(&job->bins, column), raster_pixel_y(&job->bins, row), &job->parameters);
    }
  free(depths);
}

static const FragmentKernels NAME(fragmentKernels) = {
    sizeof(NAME(Triangle)), NAME(setTriangles), NAME(visitTile), NAME(selectTile)};

#undef REAL_SMALLEST
#undef REAL_LARGEST
#undef FOR_LANES
