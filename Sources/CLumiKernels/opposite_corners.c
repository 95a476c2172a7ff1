// Pairs the faces of a mesh over their common edges.
//
// Sides are put into buckets by their smaller vertex, in the order of the faces, and each bucket is
// sorted. Meshes whose neighbouring faces have neighbouring numbers stay in the cache, which a hash
// table would not.
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "include/lumi_antialias.h"
#include "raster_binning.h"

// A side's two vertices, smaller first, and the corner opposite to it.
typedef struct {
  int64_t low, high, corner;
} Side;

enum { FEW = 24 };

static int compareSides(const void *a, const void *b) {
  const Side *s = a, *t = b;
  if (s->low != t->low) return s->low < t->low ? -1 : 1;
  if (s->high != t->high) return s->high < t->high ? -1 : 1;
  return (s->corner > t->corner) - (s->corner < t->corner);
}

static void sortSides(Side *sides, size_t count) {
  if (count > FEW) {
    qsort(sides, count, sizeof *sides, compareSides);
    return;
  }
  for (size_t i = 1; i < count; ++i) {
    Side side = sides[i];
    size_t j = i;
    for (; j > 0 && compareSides(&sides[j - 1], &side) > 0; --j) sides[j] = sides[j - 1];
    sides[j] = side;
  }
}

// The first two faces of every edge; a third is ignored.
static void pairSides(const Side *sides, size_t count, int64_t *opposite) {
  for (size_t i = 0, end; i < count; i = end) {
    for (end = i + 1; end < count; ++end)
      if (sides[end].low != sides[i].low || sides[end].high != sides[i].high) break;
    if (end - i < 2) continue;
    opposite[sides[i].corner] = sides[i + 1].corner;
    opposite[sides[i + 1].corner] = sides[i].corner;
  }
}

static bool hasNoArea(const int64_t *v) { return v[0] == v[1] || v[1] == v[2] || v[2] == v[0]; }

static Side sideOf(const int64_t *v, int64_t face, int k) {
  int64_t a = v[(k + 1) % 3], b = v[(k + 2) % 3];
  return (Side){.low = a < b ? a : b, .high = a < b ? b : a, .corner = 3 * face + k};
}

lumi_raster_status lumi_opposite_corners(
    int64_t faces, const int64_t *vertices, int64_t *opposite) {
  size_t buckets = 16, total = (size_t)faces * 3;
  while (buckets < (size_t)faces) buckets *= 2;
  // Bucket b ends at ends[b] once it is filled, and begins where the one before ends.
  size_t *ends = calloc(buckets + 1, sizeof *ends);
  Side *sides = malloc((total ? total : 1) * sizeof *sides);
  lumi_raster_status status = ends && sides ? LUMI_RASTER_OK : LUMI_RASTER_NO_MEMORY;
  if (!status) {
    memset(opposite, -1, total * sizeof *opposite);
    for (int64_t face = 0; face < faces; ++face)
      for (int k = 0; k < 3 && !hasNoArea(vertices + 3 * face); ++k)
        ++ends[((size_t)sideOf(vertices + 3 * face, face, k).low & (buckets - 1)) + 1];
    for (size_t b = 1; b <= buckets; ++b) ends[b] += ends[b - 1];
    for (int64_t face = 0; face < faces; ++face)
      for (int k = 0; k < 3 && !hasNoArea(vertices + 3 * face); ++k) {
        Side side = sideOf(vertices + 3 * face, face, k);
        sides[ends[(size_t)side.low & (buckets - 1)]++] = side;
      }
    for (size_t b = 0, start = 0; b < buckets; start = ends[b++]) {
      sortSides(sides + start, ends[b] - start);
      pairSides(sides + start, ends[b] - start, opposite);
    }
  }
  free(ends);
  free(sides);
  return status;
}
