"""The users of a locustfile, in a process of their own: Locust changes the standard library."""
