"""Find where a Python web app saturates, why, and prove the fix."""
