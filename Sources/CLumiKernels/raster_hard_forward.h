// Body of raster_hard.c: face setup, visibility and interpolation.

#define FOR_LANES for (int i = 0; i < LANES; ++i)
// Planes of a tile are padded on the right: a window may start at any pixel of the tile.
#define STRIDE (RASTER_TILE + LANES)
#define PLANE (RASTER_TILE * STRIDE)

static void NAME(readCorners)(double *corners, const HardJob *job, size_t face) {
  for (size_t i = 0; i < 9; ++i) corners[i] = ((const REAL *)job->corners)[9 * face + i];
}

// Finds the pixels that a block of faces touches, and their edges if they are wanted.
static void NAME(setFaces)(void *context, size_t block) {
  HardJob *job = context;
  size_t count = (size_t)(job->frame.batch * job->frame.faces);
  size_t end = (block + 1) * FACE_BLOCK < count ? (block + 1) * FACE_BLOCK : count;
  for (size_t i = block * FACE_BLOCK; i < end; ++i) {
    double corners[9];
    NAME(readCorners)(corners, job, i);
    job->bins.boxes[i] = (raster_box){0, -1, 0, -1};
    if (!isDrawn(corners)) continue;
    job->bins.boxes[i] = hardBox(corners, &job->frame);
    if (job->faces) setHardFace(&job->faces[i], corners, job->parameters.perspective);
  }
}

// What a tile shows so far. Doubles and 64-bit indices share lanes.
typedef struct {
  double depth[PLANE];
  int64_t face[PLANE];
  double x[STRIDE];
} NAME(Canvas);

static inline double NAME(edgeAt)(const HardFace *face, int k, double x, double y) {
  double lowX = x - face->lowX[k], lowY = y - face->lowY[k];
  double highX = x - face->highX[k], highY = y - face->highY[k];
  bool nearHigh = highX * highX + highY * highY < lowX * lowX + lowY * lowY;
  return face->dx[k] * (nearHigh ? highY : lowY) - face->dy[k] * (nearHigh ? highX : lowX);
}

// Draws a face, passed as a copy so that the compiler need not fear that depth overlaps it.
static inline void NAME(drawWindow)(
    double *restrict depth, int64_t *restrict shown, const double *restrict x, double y,
    const HardFace face, int64_t index, const lumi_hard_parameters *p) {
  double nearDepth = p->near_depth, farDepth = p->far_depth;
  bool perspective = p->perspective;
  FOR_LANES {
    double e0 = NAME(edgeAt)(&face, 0, x[i], y), e1 = NAME(edgeAt)(&face, 1, x[i], y);
    double e2 = NAME(edgeAt)(&face, 2, x[i], y);
    double sum = e0 + e1 + e2;
    double mix = e0 * face.depth[0] + e1 * face.depth[1] + e2 * face.depth[2];
    double z = (perspective ? sum : mix) / (perspective ? mix : sum);
    bool inside = (e0 >= 0) & (e1 >= 0) & (e2 >= 0) & (sum > 0);
    bool wins = inside & (z < depth[i] - DEPTH_SLACK * depth[i]) & (z >= nearDepth) &
                (z <= farDepth);
    depth[i] = wins ? z : depth[i];
    shown[i] = wins ? index : shown[i];
  }
}

static void NAME(drawTile)(NAME(Canvas) *canvas, const HardJob *job, size_t index) {
  raster_tile tile = raster_tile_at(&job->bins, index);
  for (int i = 0; i < STRIDE; ++i) canvas->x[i] = raster_pixel_x(&job->bins, tile.left + i);
  for (int i = 0; i < PLANE; ++i) {
    canvas->depth[i] = 1e300;
    canvas->face[i] = -1;
  }
  int64_t first = tile.view * job->frame.faces;
  for (int64_t e = job->bins.tile_offsets[index]; e < job->bins.tile_offsets[index + 1]; ++e) {
    int32_t face = job->bins.tile_faces[e];
    raster_box box = raster_clip_box(job->bins.boxes[first + face], &tile);
    for (int32_t row = box.top; row <= box.bottom; ++row)
      for (int32_t column = box.left; column <= box.right; column += LANES) {
        int at = (row - tile.top) * STRIDE + column - tile.left;
        NAME(drawWindow)(
            canvas->depth + at, canvas->face + at, canvas->x + (column - tile.left),
            raster_pixel_y(&job->bins, row), job->faces[first + face], face, &job->parameters);
      }
  }
}

// Weights of the corners' attributes from the affine weights b, and the depth.
static inline REAL NAME(attributeWeights)(
    REAL *weights, const REAL *b, const REAL *corners, bool perspective) {
  if (!perspective) {
    for (int k = 0; k < 3; ++k) weights[k] = b[k];
    return b[0] * corners[2] + b[1] * corners[5] + b[2] * corners[8];
  }
  for (int k = 0; k < 3; ++k) weights[k] = b[k] / corners[3 * k + 2];
  REAL z = 1 / (weights[0] + weights[1] + weights[2]);
  for (int k = 0; k < 3; ++k) weights[k] *= z;
  return z;
}

static inline void NAME(shadePixel)(
    REAL *pixel, const REAL *b, size_t face, const HardJob *job) {
  size_t channels = (size_t)job->parameters.channels;
  const REAL *corners = (const REAL *)job->corners + 9 * face;
  const REAL *attributes = (const REAL *)job->attributes + 3 * channels * face;
  REAL w[3];
  REAL z = NAME(attributeWeights)(w, b, corners, job->parameters.perspective);
  for (size_t c = 0; c < channels; ++c)
    pixel[c] = w[0] * attributes[c] + w[1] * attributes[channels + c] +
               w[2] * attributes[2 * channels + c];
  if (job->parameters.extra) pixel[channels] = job->parameters.extra == LUMI_HARD_DEPTH ? z : 1;
}

// Affine weights of a covered pixel.
static inline void NAME(weightsAt)(REAL *b, const HardFace *face, double x, double y) {
  double e0 = NAME(edgeAt)(face, 0, x, y), e1 = NAME(edgeAt)(face, 1, x, y);
  double e2 = NAME(edgeAt)(face, 2, x, y), scale = 1 / (e0 + e1 + e2);
  b[0] = (REAL)(e0 * scale);
  b[1] = (REAL)(e1 * scale);
  b[2] = (REAL)(e2 * scale);
}

// Fills the tile's part of the outputs as if no face were there.
static void NAME(clearTile)(const HardJob *job, const raster_tile *tile) {
  size_t channels = imageChannels(&job->parameters);
  size_t width = (size_t)(tile->right - tile->left);
  size_t first = raster_pixel(&job->bins, tile, tile->top, tile->left);
  REAL *image = (REAL *)job->image;
  for (size_t i = 0; image && i < width; ++i)
    memcpy(image + (first + i) * channels, job->background, channels * sizeof(REAL));
  for (int32_t row = tile->top; row < tile->bottom; ++row) {
    size_t start = raster_pixel(&job->bins, tile, row, tile->left);
    for (size_t i = 0; i < width; ++i) job->faceIndex[start + i] = -1;
    if (job->barycentrics)
      memset((REAL *)job->barycentrics + 3 * start, 0, 3 * width * sizeof(REAL));
    if (image && row > tile->top)
      memcpy(image + start * channels, image + first * channels, width * channels * sizeof(REAL));
  }
}

static inline void NAME(storePixel)(
    const HardJob *job, size_t pixel, int64_t view, int64_t face, double x, double y) {
  size_t index = (size_t)(view * job->frame.faces + face);
  REAL b[3];
  NAME(weightsAt)(b, &job->faces[index], x, y);
  job->faceIndex[pixel] = (int32_t)face;
  if (job->barycentrics) memcpy((REAL *)job->barycentrics + 3 * pixel, b, sizeof b);
  if (!job->image) return;
  size_t channels = imageChannels(&job->parameters);
  NAME(shadePixel)((REAL *)job->image + pixel * channels, b, index, job);
}

static void NAME(forwardTile)(void *context, size_t index) {
  const HardJob *job = context;
  raster_tile tile = raster_tile_at(&job->bins, index);
  NAME(clearTile)(job, &tile);
  if (job->bins.tile_offsets[index] == job->bins.tile_offsets[index + 1]) return;
  NAME(Canvas) canvas;
  NAME(drawTile)(&canvas, job, index);
  for (int32_t row = tile.top; row < tile.bottom; ++row) {
    double y = raster_pixel_y(&job->bins, row);
    size_t start = raster_pixel(&job->bins, &tile, row, tile.left);
    const int64_t *shown = canvas.face + (row - tile.top) * STRIDE;
    for (int32_t i = 0; i < tile.right - tile.left; ++i)
      if (shown[i] >= 0)
        NAME(storePixel)(job, start + (size_t)i, tile.view, shown[i], canvas.x[i], y);
  }
}
