"""One file for each library, named like its import: PATCHES = {"module": patch}."""
