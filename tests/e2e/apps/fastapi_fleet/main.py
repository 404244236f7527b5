"""Where the company's vehicles are and where they go next."""

import os
import time

import httpx
from fastapi import FastAPI, HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from tables import Vehicle

engine = create_async_engine(os.environ["DATABASE_URL"], pool_size=2, max_overflow=0)
sessions = async_sessionmaker(engine)
planner = httpx.AsyncClient(base_url=os.environ["PARTNER_URL"])

app = FastAPI(title="fleet")


@app.get("/vehicles")
async def vehicles(page: int = 1):
    async with sessions() as session:
        query = select(Vehicle).order_by(Vehicle.id).offset((page - 1) * 20).limit(20)
        return [as_json(vehicle) for vehicle in await session.scalars(query)]


@app.get("/vehicles/{vehicle_id}")
async def vehicle(vehicle_id: int):
    async with sessions() as session:
        return as_json(await find(session, vehicle_id))


@app.get("/vehicles/{vehicle_id}/odometer")
async def odometer(vehicle_id: int):
    async with sessions() as session:
        found = await find(session, vehicle_id)
    wake_tachograph()
    return {"vehicle": vehicle_id, "odometer_km": found.odometer_km}


@app.get("/vehicles/{vehicle_id}/plan")
async def plan(vehicle_id: int):
    async with sessions() as session:
        found = await find(session, vehicle_id)
        answer = await planner.get(f"/depots/{found.depot_id}/plan")
        return {"plate": found.plate, "stops": answer.json()["stops"]}


async def find(session: AsyncSession, vehicle_id: int) -> Vehicle:
    found = await session.get(Vehicle, vehicle_id)
    if found is None:
        raise HTTPException(404, "no such vehicle")
    return found


def wake_tachograph() -> None:
    """The device stays awake while somebody asks for it, so that it can report again."""
    time.sleep(0.02)


def as_json(vehicle: Vehicle) -> dict:
    return {"id": vehicle.id, "plate": vehicle.plate, "depot": vehicle.depot_id}
