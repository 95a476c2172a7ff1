// Body of raster_soft.c: the forward pass of one tile.

// Planes of a tile, padded on the right so that a window may start at any of its pixels.
#define STRIDE (RASTER_TILE + LANES)
#define PLANE (RASTER_TILE * STRIDE)

typedef struct {
  REAL *alpha;        // product of 1 - D, or sum of D
  REAL *exponent;     // largest exponent so far
  REAL *denominator;  // sum of weights relative to it
  REAL *color;        // [channels] planes; weighted sums
  REAL *depth;        // nearest depth so far (hard colour)
  int32_t *nearest;   // its face
  REAL x[STRIDE];     // pixel centres of the tile's columns
} NAME(Canvas);

static inline void NAME(addAlpha)(REAL *alpha, const NAME(Row) *row, lumi_soft_alpha mode) {
  if (mode == LUMI_SOFT_PRODUCT) FOR_LANES alpha[i] *= row->outside[i];
  if (mode == LUMI_SOFT_SUM) FOR_LANES alpha[i] += row->inside[i];
  if (mode == LUMI_SOFT_ALPHA_HARD)
    FOR_LANES alpha[i] = row->inside[i] > (REAL)0.5 ? 0 : alpha[i];
}

// Blends the face into the running softmax. When its exponent exceeds the largest one so far, what
// was there shrinks; otherwise the face's own weight does.
static inline void NAME(addSoftColor)(
    NAME(Canvas) *canvas, int at, const NAME(Row) *row, const REAL *faceColors,
    const int32_t *texels, int32_t channels, const NAME(Constants) *c) {
  REAL *exponent = canvas->exponent + at, *denominator = canvas->denominator + at;
  REAL decay[LANES], keep[LANES], weight[LANES], color[LANES];
  MASK larger[LANES];
  FOR_LANES {
    REAL own = row->shown[i] ? NAME(depthExponent)(row->z[i], c) : exponent[i];
    REAL difference = own - exponent[i];
    larger[i] = -(MASK)(difference > 0);
    decay[i] = difference > 0 ? -difference : difference;
    exponent[i] = difference > 0 ? own : exponent[i];
  }
  NAME(rowExp)(decay, row->shown);
  FOR_LANES {
    keep[i] = larger[i] ? decay[i] : 1;
    weight[i] = row->shown[i] ? (larger[i] ? 1 : decay[i]) * row->inside[i] : 0;
    denominator[i] = denominator[i] * keep[i] + weight[i];
  }
  for (int32_t channel = 0; channel < channels; ++channel) {
    REAL *sum = canvas->color + (size_t)channel * PLANE + at;
    NAME(rowColor)(color, row, faceColors, texels, channels, channel);
    FOR_LANES sum[i] = sum[i] * keep[i] + weight[i] * color[i];
  }
}

// Takes the face's colour where it contains the pixel and is the nearest so far.
static inline void NAME(addHardColor)(
    NAME(Canvas) *canvas, int at, const NAME(Row) *row, const REAL *faceColors,
    const int32_t *texels, int32_t channels, int32_t index) {
  REAL *depth = canvas->depth + at;
  int32_t *nearest = canvas->nearest + at;
  REAL color[LANES];
  MASK wins[LANES];
  FOR_LANES {
    wins[i] = row->shown[i] & NAME(contains)(&row->reach, i) & -(MASK)(row->z[i] < depth[i]);
    depth[i] = wins[i] ? row->z[i] : depth[i];
    nearest[i] = wins[i] ? index : nearest[i];
  }
  for (int32_t channel = 0; channel < channels; ++channel) {
    REAL *plane = canvas->color + (size_t)channel * PLANE + at;
    NAME(rowColor)(color, row, faceColors, texels, channels, channel);
    FOR_LANES plane[i] = wins[i] ? color[i] : plane[i];
  }
}

static inline void NAME(addColor)(
    NAME(Canvas) *canvas, int at, NAME(Row) *row, const NAME(Face) *face, const REAL *faceColors,
    int32_t index, const SoftJob *job, const NAME(Constants) *c) {
  int32_t texels[LANES], *picked = NULL;
  NAME(rowDepth)(row, face, c);
  if (job->parameters.texel_resolution > 0) {
    NAME(rowTexels)(texels, row, job->parameters.texel_resolution);
    picked = texels;
  }
  int32_t channels = job->parameters.channels;
  if (job->parameters.color == LUMI_SOFT_SOFTMAX)
    NAME(addSoftColor)(canvas, at, row, faceColors, picked, channels, c);
  else
    NAME(addHardColor)(canvas, at, row, faceColors, picked, channels, index);
}

static inline void NAME(drawFace)(
    NAME(Canvas) *canvas, const raster_tile *tile, const NAME(Face) *face, int32_t index,
    const SoftJob *job, const NAME(Constants) *c) {
  const lumi_soft_parameters *p = &job->parameters;
  const REAL *colors = (const REAL *)job->colors + soft_color_start(job, tile->view, index);
  bool colored = p->color != LUMI_SOFT_SILHOUETTE && face->colored;
  raster_box box =
      raster_clip_box(job->bins.boxes[tile->view * job->bins.faces + index], tile);
  NAME(Row) row;
  for (int32_t y = box.top; y <= box.bottom; ++y) {
    REAL pixelY = (REAL)raster_pixel_y(&job->bins, y);
    for (int32_t x = box.left; x <= box.right; x += LANES) {
      int column = x - tile->left, at = (y - tile->top) * STRIDE + column;
      if (!NAME(rowCoverage)(&row, face, canvas->x + column, pixelY, c, p->distance, false))
        continue;
      NAME(addAlpha)(canvas->alpha + at, &row, p->alpha);
      if (colored) NAME(addColor)(canvas, at, &row, face, colors, index, job, c);
    }
  }
}

static bool NAME(createCanvas)(NAME(Canvas) *canvas, const SoftJob *job, NAME(Constants) c) {
  bool colored = job->parameters.color != LUMI_SOFT_SILHOUETTE;
  size_t channels = colored ? (size_t)job->parameters.channels : 0;
  size_t planes = colored ? 4 + channels : 1;
  REAL *memory = raster_allocate(PLANE * planes, sizeof(REAL));
  canvas->nearest = raster_allocate(colored ? PLANE : 0, sizeof(int32_t));
  canvas->alpha = memory;
  if (!memory || !canvas->nearest) return false;
  REAL start = job->parameters.alpha == LUMI_SOFT_SUM ? 0 : 1;
  for (int i = 0; i < PLANE; ++i) memory[i] = start;
  if (!colored) return true;
  canvas->exponent = memory + PLANE;
  canvas->denominator = memory + 2 * PLANE;
  canvas->depth = memory + 3 * PLANE;
  canvas->color = memory + 4 * PLANE;
  for (int i = 0; i < PLANE; ++i) {
    canvas->exponent[i] = c.background;
    canvas->denominator[i] = 1;
    canvas->depth[i] = REAL_LARGEST;
    canvas->nearest[i] = -1;
  }
  for (size_t channel = 0; channel < channels; ++channel)
    for (int i = 0; i < PLANE; ++i)
      canvas->color[channel * PLANE + i] = ((const REAL *)job->background)[channel];
  return true;
}

static void NAME(storePixel)(
    const NAME(Canvas) *canvas, int at, size_t pixel, const SoftJob *job) {
  const lumi_soft_parameters *p = &job->parameters;
  bool colored = p->color != LUMI_SOFT_SILHOUETTE;
  size_t channels = colored ? (size_t)p->channels : 0;
  REAL *image = (REAL *)job->image + pixel * (channels + 1);
  REAL alpha = canvas->alpha[at];
  image[channels] = p->alpha == LUMI_SOFT_SUM ? alpha / (REAL)job->frame.faces : 1 - alpha;
  if (job->saved.transmittance) ((REAL *)job->saved.transmittance)[pixel] = alpha;
  if (!colored) return;
  bool soft = p->color == LUMI_SOFT_SOFTMAX;
  REAL scale = soft ? 1 / canvas->denominator[at] : 1;
  for (size_t channel = 0; channel < channels; ++channel)
    image[channel] = canvas->color[channel * PLANE + (size_t)at] * scale;
  if (job->saved.exponent) ((REAL *)job->saved.exponent)[pixel] = canvas->exponent[at];
  if (job->saved.denominator) ((REAL *)job->saved.denominator)[pixel] = canvas->denominator[at];
  if (job->saved.nearest_face) job->saved.nearest_face[pixel] = canvas->nearest[at];
}

static void NAME(forwardTile)(void *context, size_t index) {
  SoftJob *job = context;
  raster_tile tile = raster_tile_at(&job->bins, index);
  NAME(Constants) c = NAME(constantsOf)(job);
  NAME(Canvas) canvas = {0};
  if (NAME(createCanvas)(&canvas, job, c)) {
    for (int i = 0; i < STRIDE; ++i)
      canvas.x[i] = (REAL)raster_pixel_x(&job->bins, tile.left + i);
    const NAME(Face) *faces = (const NAME(Face) *)job->faces + tile.view * job->bins.faces;
    for (int64_t i = job->bins.tile_offsets[index]; i < job->bins.tile_offsets[index + 1]; ++i) {
      int32_t face = job->bins.tile_faces[i];
      NAME(drawFace)(&canvas, &tile, &faces[face], face, job, &c);
    }
    for (int32_t y = tile.top; y < tile.bottom; ++y)
      for (int32_t x = tile.left; x < tile.right; ++x)
        NAME(storePixel)(
            &canvas, (y - tile.top) * STRIDE + x - tile.left,
            raster_pixel(&job->bins, &tile, y, x), job);
  } else {
    atomic_store(&job->failed, true);
  }
  free(canvas.alpha);
  free(canvas.nearest);
}
