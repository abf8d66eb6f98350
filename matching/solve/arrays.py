"""The types of array that the solver, the rules and the spatial index pass to each other."""

import numpy as np
from numpy.typing import NDArray

Positions = NDArray[np.intp]
Integers = NDArray[np.int64]
Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]
