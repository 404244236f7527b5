"""Tell what was found, in the reader's units: store, publish, and the formats."""
