#include "lumi_antialias.h"
#include "lumi_elementwise.h"
#include "lumi_raster.h"
#include "lumi_runtime.h"
