"""Pure functions on numbers: intervals, quantiles, steady state, stability, sequential tests."""
