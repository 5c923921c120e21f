"""Health: alive, and ready to take requests."""

from litestar import Router, get
from msgspec import Struct

from api.http import examples
from api.http.answer import Answer
from api.http.exchange import HttpRequest, services_of
from api.http.operation import PUBLIC, operation
from api.http.services import Component

TAG = "health"


class Live(Struct, frozen=True):
    """The process answers."""

    status: str


class Ready(Struct, frozen=True):
    """`ok`, `degraded` (something that can be done without is away) or `unavailable`, and why."""

    status: str
    components: dict[str, Component]


@get(
    "/health/live",
    **operation(
        summary="Is the process alive?", tag=TAG, permission=PUBLIC, answers={200: Live}, result={"status": "ok"}
    ),
)
async def live(request: HttpRequest) -> Answer:  # noqa: ARG001  as every route is called
    """It answers, so it is."""
    return Answer(Live("ok"))


@get(
    "/health/ready",
    **operation(
        summary="Can requests be served, and by what?",
        description="503 only when Postgres is away; everything else can be done without for a while.",
        tag=TAG,
        permission=PUBLIC,
        answers={200: Ready, 503: Ready},
        result=examples.READY,
        results={503: examples.NOT_READY},
    ),
)
async def ready(request: HttpRequest) -> Answer:
    """The state of every part."""
    components = dict(await services_of(request).health())
    states = {component.status for component in components.values()}
    down = components["postgres"].status != "ok"
    status = "unavailable" if down else "ok" if states == {"ok"} else "degraded"
    return Answer(Ready(status, components), status=503 if down else 200)


ROUTER = Router(path="/", route_handlers=[live, ready])
