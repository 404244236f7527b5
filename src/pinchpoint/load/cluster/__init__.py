"""Load from several machines: Locust's master and workers carry our engine."""
