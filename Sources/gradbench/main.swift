import GradbenchCommands

Gradbench.main(.standard)
