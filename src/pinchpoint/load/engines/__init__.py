"""Load engines: one file each, offering a workload and returning what the client saw."""
