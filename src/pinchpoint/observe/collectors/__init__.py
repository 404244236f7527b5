"""One file for each source of figures: `usage(pids) -> (cpu_s, wait_s)`."""
