"""The lab: heavy dependencies for exemplary applications stay in this distribution."""
