"""One file for each source of traffic: `recognises(source)` and `read_traffic(source)`."""
