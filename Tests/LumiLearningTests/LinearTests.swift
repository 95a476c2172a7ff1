import LumiLearning
import LumiTensor
import Testing
