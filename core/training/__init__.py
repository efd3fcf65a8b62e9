"""One fold, from frozen samples to predictions."""

import os

# cuBLAS reads it when a GPU is first used: without it, sums of matrix products come in another order each time.
os.environ.setdefault("CUBLAS_WORKSPACE_CONFIG", ":4096:8")
