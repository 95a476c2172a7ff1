import LumiTensor
