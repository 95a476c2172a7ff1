// Finds and applies analytic antialiasing; see lumi_antialias.h.
//
// Outlines: S. Laine et al., "Modular Primitives for High-Performance Differentiable Rendering",
// ACM TOG 2020. Intersections of faces take the same blend at the place where their depths agree,
// after the idea of S. Pidhorskyi et al., "Rasterized Edge Gradients: Handling Discontinuities
// Differentiably", ECCV 2024.
//
// Which edges are outlines is found once for every face. Only pixels whose neighbour shows another
// face do any work, and of those inside of a surface next to none; the search runs over rows in
// parallel, the few blends are applied one after the other, so that sums have one order.
#include "include/lumi_antialias.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "antialias_geometry.h"
#include "include/lumi_runtime.h"
#include "raster_binning.h"

enum { ROWS_PER_BLOCK = 16, FACES_PER_BLOCK = 1024 };

typedef struct {
  lumi_blend *items;
  int64_t count, capacity;
  bool failed;
} BlendList;

typedef struct {
  AntialiasScene scene;
  const int64_t *opposite;
  const int32_t *faceIndex;
  uint8_t *outlines;  // of every face: bit k if the edge opposite to corner k is an outline
  BlendList *lists;   // one per block of rows
} Search;

static void append(BlendList *list, lumi_blend blend) {
  if (list->count == list->capacity) {
    int64_t capacity = list->capacity ? 2 * list->capacity : 64;
    lumi_blend *items = realloc(list->items, (size_t)capacity * sizeof *items);
    if (!items) {
      list->failed = true;
      return;
    }
    list->items = items;
    list->capacity = capacity;
  }
  list->items[list->count++] = blend;
}

// Corners relative to a pixel's centre, in pixels; swapped so that the pair lies along x.
static void relativeCorners(
    const AntialiasScene *scene, int32_t face, int32_t pixel, bool vertical, AntialiasPoint *out) {
  for (int k = 0; k < 3; ++k) {
    AntialiasPoint p = antialias_relative(scene, 3 * (int64_t)face + k, pixel);
    out[k] = vertical ? (AntialiasPoint){p.y, p.x} : p;
  }
}

static AntialiasPoint screenPoint(const AntialiasScene *scene, int64_t corner) {
  return (AntialiasPoint){
      antialias_load(scene, scene->corners, 3 * corner),
      antialias_load(scene, scene->corners, 3 * corner + 1)};
}

static double crossOf(AntialiasPoint a, AntialiasPoint b, AntialiasPoint c) {
  return (b.x - a.x) * (c.y - a.y) - (b.y - a.y) * (c.x - a.x);
}

// Whether the face beyond the edge opposite to a corner folds back to this side, is seen edge-on, or
// is not there. What folds over is measured against the face; which way both are seen does not
// matter.
static bool isOutline(const Search *search, int64_t face, int edge) {
  int64_t opposite = search->opposite[3 * face + edge];
  if (opposite < 0) return true;
  AntialiasPoint a = screenPoint(&search->scene, 3 * face + (edge + 1) % 3);
  AntialiasPoint b = screenPoint(&search->scene, 3 * face + (edge + 2) % 3);
  double own = crossOf(a, b, screenPoint(&search->scene, 3 * face + edge));
  double beyond = crossOf(a, b, screenPoint(&search->scene, opposite));
  return !(own < 0 ? beyond > 0 : beyond < 0);
}

static void findOutlines(void *context, size_t block) {
  Search *search = context;
  int64_t start = (int64_t)block * FACES_PER_BLOCK, faces = search->scene.frame.faces;
  int64_t end = start + FACES_PER_BLOCK < faces ? start + FACES_PER_BLOCK : faces;
  for (int64_t face = start; face < end; ++face) {
    uint8_t bits = 0;
    for (int k = 0; k < 3; ++k) bits |= (uint8_t)(isOutline(search, face, k) << k);
    search->outlines[face] = bits;
  }
}

// The edge of the nearer face that passes between the two centres, if it is an outline.
static bool findOutline(
    const Search *search, lumi_blend *blend, bool vertical, bool ownsFirst, int32_t face) {
  if (!search->outlines[face]) return false;
  int32_t pixel = ownsFirst ? blend->first : blend->second;
  double side = ownsFirst ? 1 : -1;
  AntialiasPoint corner[3];
  relativeCorners(&search->scene, face, pixel, vertical, corner);
  int edge = -1;
  double best = -INFINITY;
  for (int k = 0; k < 3; ++k) {
    AntialiasPoint a = corner[(k + 1) % 3], b = corner[(k + 2) % 3];
    if ((a.y < 0) == (b.y < 0)) continue;
    double distance = side * (a.x * (b.y - a.y) - a.y * (b.x - a.x)) / (b.y - a.y);
    if (distance > best) {
      best = distance;
      edge = k;
    }
  }
  double slack = search->scene.parameters.slack;
  if (edge < 0 || !(best > -slack && best < 1 + slack)) return false;
  AntialiasPoint a = corner[(edge + 1) % 3], b = corner[(edge + 2) % 3];
  if (fabs(b.y - a.y) < fabs(b.x - a.x)) return false;
  if (!(search->outlines[face] >> edge & 1)) return false;
  blend->face = face;
  blend->edge = edge;
  blend->other = -1;
  blend->owns_first = ownsFirst;
  blend->alpha = side * (0.5 - fmin(fmax(best, 0), 1));
  return true;
}

static bool areNeighbours(const Search *search, int32_t a, int32_t b) {
  for (int k = 0; k < 3; ++k) {
    int64_t opposite = search->opposite[3 * (int64_t)a + k];
    if (opposite >= 0 && opposite / 3 == b) return true;
  }
  return false;
}

// Whether the line in which two faces cross is steep enough for a pair along x (or y): the other
// pairs see the rest better.
static bool crossesPair(
    const Search *search, int32_t face, int32_t other, int32_t pixel, bool vertical) {
  AntialiasPoint at = antialias_center(&search->scene, pixel);
  AntialiasPoint a = antialias_slope(&search->scene, face, at);
  AntialiasPoint b = antialias_slope(&search->scene, other, at);
  double x = fabs(a.x - b.x), y = fabs(a.y - b.y);
  return vertical ? y >= x : x >= y;
}

// The place where the depths of two faces agree, if both reach it.
static bool findIntersection(const Search *search, lumi_blend *blend, int32_t face, int32_t other) {
  if (areNeighbours(search, face, other)) return false;
  bool vertical = blend->second != blend->first + 1;
  if (!crossesPair(search, face, other, blend->first, vertical)) return false;
  const AntialiasScene *scene = &search->scene;
  AntialiasCrossing crossing = antialias_crossing(scene, face, other, blend->first, blend->second);
  if (!(crossing.atFirst > 0) || !(crossing.atSecond < 0)) return false;
  double place = crossing.atFirst / (crossing.atFirst - crossing.atSecond);
  if (!antialias_reaches(scene, face, blend->first, blend->second, place)) return false;
  if (!antialias_reaches(scene, other, blend->first, blend->second, place)) return false;
  blend->face = face;
  blend->edge = -1;
  blend->other = other;
  blend->owns_first = 1;
  blend->alpha = 0.5 - place;
  return true;
}

// Blends two pixels that show different faces, if an outline or an intersection is between them.
static void visitPair(const Search *search, BlendList *list, int32_t first, int32_t second) {
  int32_t a = search->faceIndex[first], b = search->faceIndex[second];
  lumi_blend blend = {.first = first, .second = second};
  bool isInside = a >= 0 && b >= 0, found = false;
  if (!isInside || search->outlines[a] || search->outlines[b]) {
    const AntialiasScene *scene = &search->scene;
    bool ownsFirst = a >= 0;
    if (isInside)
      ownsFirst = antialias_nearness(scene, a, first) > antialias_nearness(scene, b, second);
    found = findOutline(search, &blend, second != first + 1, ownsFirst, ownsFirst ? a : b);
  }
  if (!found && isInside && search->scene.parameters.intersections)
    found = findIntersection(search, &blend, a, b);
  if (found) append(list, blend);
}

static void searchRows(void *context, size_t block) {
  Search *search = context;
  BlendList *list = &search->lists[block];
  int32_t height = (int32_t)search->scene.frame.height, width = (int32_t)search->scene.frame.width;
  int32_t start = (int32_t)block * ROWS_PER_BLOCK;
  int32_t end = start + ROWS_PER_BLOCK < height ? start + ROWS_PER_BLOCK : height;
  for (int32_t row = start; row < end; ++row) {
    int32_t first = row * width;
    const int32_t *shown = search->faceIndex + first;
    const int32_t *above = row > 0 ? shown - width : shown;
    for (int32_t column = 0; column < width; ++column) {
      int32_t pixel = first + column;
      if (column + 1 < width && shown[column] != shown[column + 1])
        visitPair(search, list, pixel, pixel + 1);
      if (shown[column] != above[column]) visitPair(search, list, pixel, pixel - width);
    }
  }
}

static lumi_raster_status join(BlendList *lists, size_t count, lumi_blends *blends) {
  int64_t total = 0;
  bool failed = false;
  for (size_t i = 0; i < count; ++i) {
    total += lists[i].count;
    failed |= lists[i].failed;
  }
  lumi_blend *items = failed ? NULL : raster_allocate((size_t)total, sizeof *items);
  int64_t next = 0;
  for (size_t i = 0; i < count; ++i) {
    if (items && lists[i].count)
      memcpy(items + next, lists[i].items, (size_t)lists[i].count * sizeof *items);
    next += lists[i].count;
    free(lists[i].items);
  }
  *blends = (lumi_blends){.items = items, .count = items ? total : 0};
  return items ? LUMI_RASTER_OK : LUMI_RASTER_NO_MEMORY;
}

lumi_raster_status lumi_antialias_find(
    const lumi_raster_frame *frame, const lumi_antialias_parameters *parameters,
    const void *corners, const int64_t *opposite, const int32_t *face_index,
    lumi_blends *blends) {
  *blends = (lumi_blends){0};
  if (!raster_frame_is_valid(frame) || frame->batch != 1 ||
      frame->height * frame->width > INT32_MAX || !(parameters->slack >= 0) ||
      !(parameters->reciprocal_guard >= 0))
    return LUMI_RASTER_INVALID;
  size_t blocks = (size_t)(frame->height + ROWS_PER_BLOCK - 1) / ROWS_PER_BLOCK;
  Search search = {
      .scene = {.frame = *frame, .parameters = *parameters, .corners = corners},
      .opposite = opposite,
      .faceIndex = face_index,
      .outlines = raster_allocate((size_t)frame->faces, sizeof *search.outlines),
      .lists = calloc(blocks, sizeof *search.lists)};
  lumi_raster_status status = LUMI_RASTER_NO_MEMORY;
  if (search.outlines && search.lists) {
    size_t faceBlocks = (size_t)(frame->faces + FACES_PER_BLOCK - 1) / FACES_PER_BLOCK;
    lumi_parallel_for(faceBlocks, &search, findOutlines);
    lumi_parallel_for(blocks, &search, searchRows);
    status = join(search.lists, blocks, blends);
  }
  free(search.outlines);
  free(search.lists);
  return status;
}

void lumi_blends_free(lumi_blends *blends) {
  free(blends->items);
  *blends = (lumi_blends){0};
}
