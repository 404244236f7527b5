"""Vehicles and the depots where they sleep."""

from sqlalchemy import ForeignKey
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column


class Base(DeclarativeBase):
    pass


class Depot(Base):
    __tablename__ = "depots"

    id: Mapped[int] = mapped_column(primary_key=True)
    town: Mapped[str]


class Vehicle(Base):
    __tablename__ = "vehicles"

    id: Mapped[int] = mapped_column(primary_key=True)
    plate: Mapped[str]
    depot_id: Mapped[int] = mapped_column(ForeignKey("depots.id"), index=True)
    odometer_km: Mapped[int]
