// Body of raster_hard.c, compiled for every real type and vector level.
#include "raster_hard_forward.h"
#include "raster_hard_backward.h"

#undef FOR_LANES
#undef STRIDE
#undef PLANE
