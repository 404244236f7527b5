"""One file per output format: `render(report) -> str`."""
