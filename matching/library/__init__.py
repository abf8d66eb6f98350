"""The library: the steps of the commands for notebooks and scripts, on DataFrames. `matching` offers its names."""
