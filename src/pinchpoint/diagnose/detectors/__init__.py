"""One file per bottleneck: `detect(case)` yields findings; its docstring is its manual page."""
