"""Takes its process along with the 500th request."""

import itertools
import os

from fastapi import FastAPI

LAST_REQUEST = 500

app = FastAPI()
requests = itertools.count(1)


@app.get("/time-bomb")
async def time_bomb() -> dict[str, bool]:
    if next(requests) == LAST_REQUEST:
        os._exit(1)
    return {"alive": True}
