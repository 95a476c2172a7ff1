// Which blocks of a grid have any density; see lumi_volume.h.
#include <string.h>

#include "include/lumi_runtime.h"
#include "include/lumi_volume.h"

enum { BLOCK = 1 << LUMI_VOLUME_FIRST_LEVEL };

typedef struct {
  lumi_real_type real;
  int64_t extent[3];
  const void *density;
  double threshold;
  uint8_t *blocks;
  int64_t counts[3];
} OccupancyJob;

static int64_t smaller(int64_t a, int64_t b) { return a < b ? a : b; }

// What is not a number counts as dense, so that it is seen.
static void markRow(
    const OccupancyJob *job, int64_t row, int64_t first, int64_t count, uint8_t *marks) {
  if (job->real == LUMI_FLOAT32) {
    const float *values = (const float *)job->density + row + first, limit = (float)job->threshold;
    for (int64_t k = 0; k < count; ++k) marks[k] |= !(values[k] <= limit);
  } else {
    const double *values = (const double *)job->density + row + first, limit = job->threshold;
    for (int64_t k = 0; k < count; ++k) marks[k] |= !(values[k] <= limit);
  }
}

// A row of blocks along z, in pieces of whole blocks.
static void fillRow(const OccupancyJob *job, int64_t bx, int64_t by) {
  enum { PIECE = 64 };
  uint8_t marks[PIECE * BLOCK + 1];
  const int64_t *n = job->extent;
  uint8_t *out = job->blocks + (bx * job->counts[1] + by) * job->counts[2];
  for (int64_t start = 0; start < job->counts[2]; start += PIECE) {
    int64_t blocks = smaller(PIECE, job->counts[2] - start), first = start * BLOCK;
    int64_t count = smaller(blocks * BLOCK + 1, n[2] - first);
    memset(marks, 0, sizeof marks);
    for (int64_t x = bx * BLOCK; x <= smaller(bx * BLOCK + BLOCK, n[0] - 1); ++x)
      for (int64_t y = by * BLOCK; y <= smaller(by * BLOCK + BLOCK, n[1] - 1); ++y)
        markRow(job, (x * n[1] + y) * n[2], first, count, marks);
    for (int64_t b = 0; b < blocks; ++b) {
      uint8_t any = 0;
      for (int k = 0; k <= BLOCK; ++k) any |= marks[b * BLOCK + k];
      out[start + b] = any;
    }
  }
}

static void fillLayer(void *context, size_t bx) {
  const OccupancyJob *job = context;
  for (int64_t by = 0; by < job->counts[1]; ++by) fillRow(job, (int64_t)bx, by);
}

void lumi_volume_occupied_blocks(
    lumi_real_type real, const int64_t extent[3], const void *density, double threshold,
    const int64_t counts[3], uint8_t *blocks) {
  OccupancyJob job = {
      .real = real, .density = density, .threshold = threshold, .blocks = blocks};
  memcpy(job.extent, extent, sizeof job.extent);
  memcpy(job.counts, counts, sizeof job.counts);
  lumi_parallel_for((size_t)counts[0], &job, fillLayer);
}

void lumi_volume_coarser_blocks(
    const int64_t finer_counts[3], const uint8_t *finer, const int64_t counts[3],
    uint8_t *blocks) {
  memset(blocks, 0, (size_t)(counts[0] * counts[1] * counts[2]));
  for (int64_t x = 0; x < finer_counts[0]; ++x)
    for (int64_t y = 0; y < finer_counts[1]; ++y) {
      const uint8_t *row = finer + (x * finer_counts[1] + y) * finer_counts[2];
      uint8_t *out = blocks + ((x >> 1) * counts[1] + (y >> 1)) * counts[2];
      for (int64_t z = 0; z < finer_counts[2]; ++z) out[z >> 1] |= row[z];
    }
}
