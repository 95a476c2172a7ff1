// Body of raster_soft.c, compiled for every real type and vector level.
#include "raster_triangle.h"
#include "raster_reach.h"
#include "raster_soft_exp.h"
#include "raster_soft_face.h"
#include "raster_soft_row.h"
#include "raster_soft_forward.h"
#include "raster_soft_backward.h"

#undef REAL_SMALLEST
#undef REAL_LARGEST
#undef FOR_LANES
#undef STRIDE
#undef PLANE
