// Binning, hard and soft rasterisation.
#ifndef LUMI_RASTER_H
#define LUMI_RASTER_H
#endif
