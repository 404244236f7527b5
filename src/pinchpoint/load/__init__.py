"""Offer load on a schedule that the server cannot slow down, and find where it saturates."""
