// The kernels of lumi_elementwise.h and lumi_perceptron.h for what every processor of the architecture has.
#include "elementwise_levels.h"
#include "perceptron_levels.h"

#define LUMI_LEVEL(name) name##_base
#define LUMI_HAS_FMA 0
#include "elementwise_math.inc"
#include "elementwise_body.inc"
#include "perceptron_body.inc"
