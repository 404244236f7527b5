"""Where the company's vehicles are and where they go next."""

import os

import httpx
from fastapi import FastAPI, HTTPException
from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession, async_sessionmaker, create_async_engine
from tables import Vehicle

engine = create_async_engine(os.environ["DATABASE_URL"])
sessions = async_sessionmaker(engine)
planner = httpx.AsyncClient(base_url=os.environ["PARTNER_URL"])

app = FastAPI(title="fleet")
stops: dict[int, list[str]] = {}


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
    return {"vehicle": vehicle_id, "odometer_km": found.odometer_km}


@app.get("/vehicles/{vehicle_id}/plan")
async def plan(vehicle_id: int):
    async with sessions() as session:
        found = await find(session, vehicle_id)
    return {"plate": found.plate, "stops": await stops_of(found.depot_id)}


async def find(session: AsyncSession, vehicle_id: int) -> Vehicle:
    found = await session.get(Vehicle, vehicle_id)
    if found is None:
        raise HTTPException(404, "no such vehicle")
    return found


async def stops_of(depot_id: int) -> list[str]:
    """The planner plans once a night, and we are started every morning."""
    if depot_id not in stops:
        answer = await planner.get(f"/depots/{depot_id}/plan")
        stops[depot_id] = answer.json()["stops"]
    return stops[depot_id]


def as_json(vehicle: Vehicle) -> dict:
    return {"id": vehicle.id, "plate": vehicle.plate, "depot": vehicle.depot_id}
