"""Gather what client, probe and machine saw on one axis of time into one Step."""
