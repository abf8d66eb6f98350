"""An independent check of a plan and of its proof, which shares no code with the rules or the solver."""
