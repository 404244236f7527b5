"""One endpoint blocks the event loop that another one needs."""

from __future__ import annotations

import asyncio
import time

import fastapi

app = fastapi.FastAPI()


@app.get("/hello")
async def hello():
    return {"hello": "world"}


@app.get("/mixed")
async def mixed():
    for _ in range(40_000):
        pass
    await asyncio.sleep(0.002)
    return {"hello": "world"}


@app.get("/hold_loop")
async def hold_loop():
    time.sleep(0.05)  # noqa: ASYNC251  # the planted cause
    return {}
