// Elementwise, reduction and row kernels on contiguous float32 arrays.
#ifndef LUMI_ELEMENTWISE_H
#define LUMI_ELEMENTWISE_H
#endif
