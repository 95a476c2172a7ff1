// Body of raster_soft.c: what is computed once per face.

typedef struct {
  NAME(Triangle) triangle;
  NAME(Bounds) bounds;  // grown by the influence radius
  bool colored;         // gives colour: front facing, or both sides do
  bool depthTested;     // may leave [near, far]
} NAME(Face);

static bool NAME(setFace)(NAME(Face) *face, const REAL *corners, const SoftJob *job) {
  const lumi_soft_parameters *p = &job->parameters;
  NAME(Triangle) *t = &face->triangle;
  if (!NAME(setTriangle)(t, corners, (REAL)SMALLEST_TWICE_AREA, (REAL)SMALLEST_DEPTH)) return false;
  face->bounds = NAME(boundsOf)(t, (REAL)sqrt(job->threshold));
  face->colored = p->double_sided || t->twiceArea < 0;
  face->depthTested = false;
  for (int k = 0; k < 3; ++k)
    face->depthTested |= t->z[k] <= p->near_depth || t->z[k] >= p->far_depth;
  return true;
}

// Sets up a block of faces and finds the pixels that they touch.
static void NAME(setFaces)(void *context, size_t block) {
  SoftJob *job = context;
  size_t count = (size_t)(job->frame.batch * job->frame.faces);
  size_t end = (block + 1) * FACE_BLOCK < count ? (block + 1) * FACE_BLOCK : count;
  NAME(Face) *faces = job->faces;
  for (size_t i = block * FACE_BLOCK; i < end; ++i) {
    raster_box box = {0, -1, 0, -1};
    if (NAME(setFace)(&faces[i], (const REAL *)job->corners + 9 * i, job)) {
      NAME(Bounds) b = faces[i].bounds;
      box = raster_box_of(&job->frame, b.left, b.right, b.low, b.high);
    }
    job->bins.boxes[i] = box;
  }
}
