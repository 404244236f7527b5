"""SQLAlchemy's pools: waiting and holding. Its statements are recorded by the drivers' hooks."""

from pinchpoint_probe import patching, pools, quiet, spans

TYPE_CHECKING = False
if TYPE_CHECKING:
    from types import ModuleType
    from typing import Any


def _patch(module: "ModuleType") -> None:
    record_class = module._ConnectionRecord  # noqa: SLF001
    checkout = vars(record_class)["checkout"].__func__

    def observed_checkout(cls: "Any", pool: "Any") -> "Any":
        frame = spans.active()
        if frame is None or not hasattr(pool, "_max_overflow"):  # unlimited: nothing to wait for
            return checkout(cls, pool)
        resource = _resource(pool)
        span = pools.begin(frame, resource)
        try:
            fairy = checkout(cls, pool)
        except BaseException:
            pools.end(span, has_failed=True)
            raise
        pools.end(span)
        pools.take(fairy._connection_record, frame, resource)  # noqa: SLF001
        return fairy

    def observed_checkin(self: "Any", *args: "Any", **kwargs: "Any") -> None:
        pools.give_back(self)
        checkin(self, *args, **kwargs)

    patching.replace(record_class, "checkout", classmethod(observed_checkout))
    checkin = patching.replace(record_class, "checkin", observed_checkin)


def _resource(pool: "Any") -> str:
    try:
        known: str = getattr(pool, "_pinchpoint_resource", "")
        if not known:
            dialect = pool._dialect  # noqa: SLF001
            name = f"{getattr(dialect, 'name', 'unknown')}+{getattr(dialect, 'driver', 'unknown')}"
            size = f"{pool.size()}+{pool._max_overflow}"  # noqa: SLF001
            known = pools.label(f"pool {size} of {name}", pool._creator)  # noqa: SLF001
            pool._pinchpoint_resource = known  # noqa: SLF001
        return known
    except Exception as error:
        quiet.note("sqlalchemy", error)
        return "pool"


PATCHES = {"sqlalchemy.pool.base": _patch}
