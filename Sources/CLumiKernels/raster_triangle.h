// Body: what the distance kernels need of a triangle, computed once.

#define FOR_LANES for (int i = 0; i < LANES; ++i)

#ifdef REAL_IS_FLOAT
#define REAL_SMALLEST 1e-37f
#define REAL_LARGEST 3e38f
#else
#define REAL_SMALLEST 1e-300
#define REAL_LARGEST 1e308
#endif

typedef struct {
  REAL x[3], y[3], z[3], inverseZ[3];
  REAL edgeX[3], edgeY[3];  // edge k runs from corner k to corner k + 1
  REAL inverseSquare[3];    // 1 / squared length of edge k
  REAL slopeX[3], slopeY[3];  // gradient of barycentric coordinate k over the screen
  REAL twiceArea;             // positive if counter-clockwise
} NAME(Triangle);

// False if a coordinate is not finite, the triangle is too large for the type, or its depth or area
// is below the given minimum.
static bool NAME(setTriangle)(
    NAME(Triangle) *t, const REAL *corners, REAL minimumTwiceArea, REAL minimumDepth) {
  for (int k = 0; k < 3; ++k) {
    t->x[k] = corners[3 * k];
    t->y[k] = corners[3 * k + 1];
    t->z[k] = corners[3 * k + 2];
    if (!isfinite(t->x[k]) || !isfinite(t->y[k]) || !isfinite(t->z[k])) return false;
    if (!(t->z[k] > 0) || t->z[k] < minimumDepth) return false;
    t->inverseZ[k] = 1 / t->z[k];
  }
  for (int k = 0; k < 3; ++k) {
    int next = (k + 1) % 3;
    t->edgeX[k] = t->x[next] - t->x[k];
    t->edgeY[k] = t->y[next] - t->y[k];
    REAL square = t->edgeX[k] * t->edgeX[k] + t->edgeY[k] * t->edgeY[k];
    if (!isfinite(square)) return false;
    t->inverseSquare[k] = square > REAL_SMALLEST ? 1 / square : 0;
  }
  t->twiceArea = t->edgeX[2] * t->edgeY[0] - t->edgeY[2] * t->edgeX[0];
  REAL size = t->twiceArea < 0 ? -t->twiceArea : t->twiceArea;
  if (!(size > 0) || size < minimumTwiceArea) return false;
  for (int k = 0; k < 3; ++k) {
    int opposite = (k + 1) % 3;
    t->slopeX[k] = -t->edgeY[opposite] / t->twiceArea;
    t->slopeY[k] = t->edgeX[opposite] / t->twiceArea;
    if (!isfinite(t->slopeX[k]) || !isfinite(t->slopeY[k])) return false;
  }
  return true;
}

typedef struct {
  REAL left, right, low, high;
} NAME(Bounds);

// Bounding box grown by a radius.
static NAME(Bounds) NAME(boundsOf)(const NAME(Triangle) *t, REAL radius) {
  NAME(Bounds) b = {t->x[0], t->x[0], t->y[0], t->y[0]};
  for (int k = 1; k < 3; ++k) {
    b.left = t->x[k] < b.left ? t->x[k] : b.left;
    b.right = t->x[k] > b.right ? t->x[k] : b.right;
    b.low = t->y[k] < b.low ? t->y[k] : b.low;
    b.high = t->y[k] > b.high ? t->y[k] : b.high;
  }
  return (NAME(Bounds)){b.left - radius, b.right + radius, b.low - radius, b.high + radius};
}
