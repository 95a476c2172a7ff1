// Body of raster_hard.c: the backward pass with the visibility frozen.
//
// With b the affine weights of the pixel, db_j / d(x_k, y_k) = -b_k grad b_j, and grad b_j depends
// on the face alone. A slot therefore sums b_k dL/db_j, nine numbers at [3 k + j], then three
// dL/dz_k, then the attributes' gradients; the screen gradients follow when slots are reduced.

// Loss by the affine weights and by the corners' depths, from its gradient by the attribute
// weights (w, by w) and by depth (by z).
static inline void NAME(weightsBackward)(
    REAL *byB, REAL *byCornerZ, const REAL *byW, REAL byZ, const REAL *w, const REAL *b, REAL z,
    const REAL *corners, bool perspective) {
  if (!perspective) {
    for (int k = 0; k < 3; ++k) {
      byB[k] = byW[k] + byZ * corners[3 * k + 2];
      byCornerZ[k] = byZ * b[k];
    }
    return;
  }
  REAL mean = w[0] * byW[0] + w[1] * byW[1] + w[2] * byW[2];
  for (int k = 0; k < 3; ++k) {
    REAL inverse = 1 / corners[3 * k + 2], ratio = z * inverse;
    byB[k] = ratio * (byW[k] - mean - byZ * z);
    byCornerZ[k] = w[k] * (byZ * ratio - (byW[k] - mean) * inverse);
  }
}

static inline void NAME(addPixel)(
    REAL *slot, const REAL *b, const REAL *gradient, size_t face, const HardJob *job) {
  size_t channels = (size_t)job->parameters.channels;
  const REAL *corners = (const REAL *)job->corners + 9 * face;
  const REAL *attributes = (const REAL *)job->attributes + 3 * channels * face;
  REAL w[3], byW[3], byB[3], byCornerZ[3];
  REAL z = NAME(attributeWeights)(w, b, corners, job->parameters.perspective);
  for (size_t k = 0; k < 3; ++k) {
    byW[k] = 0;
    for (size_t c = 0; c < channels; ++c) byW[k] += gradient[c] * attributes[k * channels + c];
    if (!job->attributeGradient) continue;
    for (size_t c = 0; c < channels; ++c) slot[12 + k * channels + c] += w[k] * gradient[c];
  }
  REAL byZ = job->parameters.extra == LUMI_HARD_DEPTH ? gradient[channels] : 0;
  NAME(weightsBackward)(byB, byCornerZ, byW, byZ, w, b, z, corners, job->parameters.perspective);
  for (int k = 0; k < 3; ++k) {
    for (int j = 0; j < 3; ++j) slot[3 * k + j] += b[k] * byB[j];
    slot[9 + k] += byCornerZ[k];
  }
}

static void NAME(backwardTile)(void *context, size_t index) {
  const HardJob *job = context;
  raster_tile tile = raster_tile_at(&job->bins, index);
  size_t channels = imageChannels(&job->parameters);
  for (int32_t row = tile.top; row < tile.bottom; ++row)
    for (int32_t column = tile.left; column < tile.right; ++column) {
      size_t pixel = raster_pixel(&job->bins, &tile, row, column);
      int32_t face = job->faceIndex[pixel];
      if (face < 0) continue;
      REAL *slot = (REAL *)job->slots +
                   (size_t)raster_slot(&job->bins, &tile, face) * job->slotSize;
      size_t faceIndex = (size_t)(tile.view * job->frame.faces + face);
      REAL b[3];
      if (job->barycentrics)
        memcpy(b, (const REAL *)job->barycentrics + 3 * pixel, sizeof b);
      else
        NAME(weightsAt)(
            b, &job->faces[faceIndex], raster_pixel_x(&job->bins, column),
            raster_pixel_y(&job->bins, row));
      NAME(addPixel)(slot, b, (const REAL *)job->imageGradient + pixel * channels, faceIndex, job);
    }
}

// A gradient beyond the type's range becomes zero rather than poison the corner.
static inline REAL NAME(finite)(REAL value) { return isfinite(value) ? value : 0; }

// Sums a face's slots in tile order and multiplies by the gradients of its affine weights.
static void NAME(reduceFace)(const HardJob *job, size_t face) {
  size_t attributeCount = job->slotSize - 12;
  REAL *gradient = (REAL *)job->cornerGradient + 9 * face;
  REAL *attributes = (REAL *)job->attributeGradient + attributeCount * face;
  double sums[12] = {0}, corners[9];
  for (size_t i = 0; i < attributeCount; ++i) attributes[i] = 0;
  int64_t begin = job->bins.face_offsets[face], end = job->bins.face_offsets[face + 1];
  for (int64_t s = begin; s < end; ++s) {
    const REAL *slot = (const REAL *)job->slots + (size_t)s * job->slotSize;
    for (int i = 0; i < 12; ++i) sums[i] += slot[i];
    for (size_t i = 0; i < attributeCount; ++i) attributes[i] += slot[12 + i];
  }
  for (int i = 0; i < 9; ++i) gradient[i] = 0;
  if (begin == end) return;
  NAME(readCorners)(corners, job, face);
  double scale = 1 / twiceAreaOf(corners);
  for (int k = 0; k < 3; ++k) {
    double x = 0, y = 0;
    for (int j = 0; j < 3; ++j) {
      const double *from = corners + 3 * ((j + 1) % 3), *to = corners + 3 * ((j + 2) % 3);
      x += sums[3 * k + j] * (to[1] - from[1]) * scale;
      y -= sums[3 * k + j] * (to[0] - from[0]) * scale;
    }
    gradient[3 * k] = NAME(finite)((REAL)x);
    gradient[3 * k + 1] = NAME(finite)((REAL)y);
    gradient[3 * k + 2] = NAME(finite)((REAL)sums[9 + k]);
  }
}

static void NAME(reduceFaces)(void *context, size_t block) {
  const HardJob *job = context;
  size_t count = (size_t)(job->frame.batch * job->frame.faces);
  size_t end = (block + 1) * FACE_BLOCK < count ? (block + 1) * FACE_BLOCK : count;
  for (size_t face = block * FACE_BLOCK; face < end; ++face) NAME(reduceFace)(job, face);
}

static const HardKernels NAME(hardKernels) = {
    NAME(setFaces), NAME(forwardTile), NAME(backwardTile), NAME(reduceFaces)};
