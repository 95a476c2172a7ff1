import GradbenchCommands

// The benchmark's command line over Lumigrad's methods and one more.
var registry = RendererRegistry.standard
try registry.register(GaussianSplatter())
Gradbench.main(registry)
