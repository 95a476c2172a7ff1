// Pairs the faces of a mesh over their common edges with a hash table.
#include <stdlib.h>
#include <string.h>

#include "include/lumi_antialias.h"
#include "raster_binning.h"

// An edge's two vertices, smaller first, and the first corner seen opposite to it; closed once a
// second face has come, so that a third is ignored.
typedef struct {
  int64_t low, high, corner;
  bool used, closed;
} EdgeSlot;

static size_t hashOf(int64_t low, int64_t high) {
  uint64_t h = (uint64_t)low * 0x9E3779B97F4A7C15u ^ (uint64_t)high * 0xC2B2AE3D27D4EB4Fu;
  h ^= h >> 29;
  h *= 0xBF58476D1CE4E5B9u;
  return (size_t)(h ^ h >> 32);
}

static EdgeSlot *slotOf(EdgeSlot *table, size_t mask, int64_t low, int64_t high) {
  for (size_t i = hashOf(low, high) & mask;; i = (i + 1) & mask)
    if (!table[i].used || (table[i].low == low && table[i].high == high)) return &table[i];
}

lumi_raster_status lumi_opposite_corners(
    int64_t faces, const int64_t *vertices, int64_t *opposite) {
  size_t capacity = 16;
  while (capacity < (size_t)faces * 3) capacity *= 2;
  EdgeSlot *table = calloc(capacity, sizeof *table);
  if (!table) return LUMI_RASTER_NO_MEMORY;
  memset(opposite, -1, (size_t)faces * 3 * sizeof *opposite);
  for (int64_t face = 0; face < faces; ++face) {
    const int64_t *v = vertices + 3 * face;
    if (v[0] == v[1] || v[1] == v[2] || v[2] == v[0]) continue;
    for (int k = 0; k < 3; ++k) {
      int64_t a = v[(k + 1) % 3], b = v[(k + 2) % 3];
      int64_t low = a < b ? a : b, high = a < b ? b : a, corner = 3 * face + k;
      EdgeSlot *slot = slotOf(table, capacity - 1, low, high);
      if (!slot->used) {
        *slot = (EdgeSlot){.low = low, .high = high, .corner = corner, .used = true};
      } else if (!slot->closed) {
        slot->closed = true;
        opposite[corner] = slot->corner;
        opposite[slot->corner] = corner;
      }
    }
  }
  free(table);
  return LUMI_RASTER_OK;
}
