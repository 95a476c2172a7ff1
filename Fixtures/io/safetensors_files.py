"""Makes the safetensors files in this folder: pip install numpy safetensors, then run it here.

They come from the format's own library (bfloat16 through its byte interface, because numpy has
none), not from what they test. Values are small and known.
"""
import numpy as np
from safetensors import TensorSpec, serialize_file
from safetensors.numpy import save_file

eighths = np.arange(24, dtype=np.float64).reshape(2, 3, 4) / 8 - 1
save_file({
    "layers.0.weight": eighths.astype(np.float32), "layers.0.bias": eighths[0],
    "half": eighths[1].astype(np.float16), "count": np.array(-7, np.int64),
    "faces": np.array([[0, 1, 2], [2, 1, -3]], np.int32), "flags": np.array([True, False, True]),
    "small": np.array([-128, 127], np.int8), "byte": np.array([0, 255], np.uint8),
    "short": np.array([-32768, 32767], np.int16), "ushort": np.array([65535], np.uint16),
    "uint": np.array([2**32 - 1], np.uint32), "ulong": np.array([2**62], np.uint64),
    "empty": np.zeros((0, 3), np.float32),
}, "all-types.safetensors", metadata={"format": "np", "note": "tab\there, ü and \"quotes\""})

# bfloat16: the upper halves of 1, -2.5 and infinity in float32.
bits = (np.array([1, -2.5, np.inf], np.float32).view(np.uint32) >> 16).astype(np.uint16)
spec = TensorSpec(dtype="bfloat16", shape=[3], data_ptr=bits.ctypes.data, data_len=bits.nbytes)
serialize_file({"x": spec}, "bfloat16.safetensors")
