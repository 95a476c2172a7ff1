// Body of raster_soft.c: what is computed once per face.

typedef struct {
  REAL x[3], y[3];
  REAL edgeX[3], edgeY[3];      // edge k runs from corner k to corner k + 1
  REAL inverseSquare[3];        // 1 / squared length of edge k
  REAL slopeX[3], slopeY[3];    // gradient of barycentric coordinate k over the screen
  REAL z[3], inverseZ[3];
  REAL left, right, low, high;  // bounding box grown by the influence radius
  bool colored;                 // gives colour: front facing, or both sides do
  bool depthTested;             // may leave [near, far]
} NAME(Face);

// Below this a depth counts as zero, so that its inverse and what is made of it stay finite.
#define SMALLEST_DEPTH ((REAL)1e-30)
// Faces with less than this twice the area are left out.
#define SMALLEST_TWICE_AREA ((REAL)1e-10)

// Fills in the face from its corners; false if it is to be left out.
static bool NAME(setFace)(NAME(Face) *face, const REAL *corner, const SoftJob *job) {
  for (int k = 0; k < 3; ++k) {
    face->x[k] = corner[3 * k];
    face->y[k] = corner[3 * k + 1];
    face->z[k] = corner[3 * k + 2];
    if (!isfinite(face->x[k]) || !isfinite(face->y[k]) || !isfinite(face->z[k])) return false;
    if (!(face->z[k] >= SMALLEST_DEPTH)) return false;
    face->inverseZ[k] = 1 / face->z[k];
  }
  for (int k = 0; k < 3; ++k) {
    int next = (k + 1) % 3;
    REAL edgeX = face->x[next] - face->x[k], edgeY = face->y[next] - face->y[k];
    REAL square = edgeX * edgeX + edgeY * edgeY;
    if (!isfinite(square)) return false;
    face->edgeX[k] = edgeX;
    face->edgeY[k] = edgeY;
    face->inverseSquare[k] = square > REAL_SMALLEST ? 1 / square : 0;
  }
  REAL twiceArea = face->edgeX[2] * face->edgeY[0] - face->edgeY[2] * face->edgeX[0];
  if (!(fabs((double)twiceArea) >= SMALLEST_TWICE_AREA)) return false;
  for (int k = 0; k < 3; ++k) {
    int opposite = (k + 1) % 3;
    face->slopeX[k] = -face->edgeY[opposite] / twiceArea;
    face->slopeY[k] = face->edgeX[opposite] / twiceArea;
  }
  face->colored = job->parameters.double_sided || twiceArea < 0;
  face->depthTested = false;
  for (int k = 0; k < 3; ++k)
    face->depthTested |=
        face->z[k] <= job->parameters.near_depth || face->z[k] >= job->parameters.far_depth;
  return true;
}

// Grown bounding box, and the pixels that it touches.
static raster_box NAME(boxOf)(NAME(Face) *face, const SoftJob *job) {
  REAL left = face->x[0], right = left, low = face->y[0], high = low;
  for (int k = 1; k < 3; ++k) {
    left = face->x[k] < left ? face->x[k] : left;
    right = face->x[k] > right ? face->x[k] : right;
    low = face->y[k] < low ? face->y[k] : low;
    high = face->y[k] > high ? face->y[k] : high;
  }
  REAL radius = (REAL)sqrt(job->threshold);
  face->left = left - radius;
  face->right = right + radius;
  face->low = low - radius;
  face->high = high + radius;
  return raster_box_of(&job->frame, face->left, face->right, face->low, face->high);
}

// Sets up a block of faces.
static void NAME(setFaces)(void *context, size_t block) {
  SoftJob *job = context;
  size_t count = (size_t)(job->frame.batch * job->frame.faces);
  size_t end = (block + 1) * FACE_BLOCK < count ? (block + 1) * FACE_BLOCK : count;
  NAME(Face) *faces = job->faces;
  for (size_t i = block * FACE_BLOCK; i < end; ++i) {
    bool kept = NAME(setFace)(&faces[i], (const REAL *)job->corners + 9 * i, job);
    job->bins.boxes[i] = kept ? NAME(boxOf)(&faces[i], job) : (raster_box){0, -1, 0, -1};
  }
}
