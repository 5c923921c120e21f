"""A rebuild in a process of its own, to be killed: `python -m tests.projections.rebuilding DSN PROJECTION`.

It tells on standard output what it is about to do, a stage a line.
"""

import asyncio
import sys

from infra.postgres import PROJECTOR, open_pool, role_dsn
from projections.registry import POSTGRES
from tests.conftest import SECRET, Database
from tests.projections.workshop import Workshop


async def main(admin_dsn: str, name: str) -> None:
    dsn = role_dsn(admin_dsn, PROJECTOR, SECRET)
    pool = await open_pool(dsn, name="rebuilding", size=6)
    database = Database(admin_dsn, {PROJECTOR: dsn}, {PROJECTOR: pool})
    projection = next(each for each in POSTGRES if each.name == name)

    def on_progress(stage: str, done: int, total: int) -> None:
        sys.stdout.write(f"{stage} {done} {total}\n")
        sys.stdout.flush()

    async with Workshop.on(database) as workshop:
        await workshop.rebuild(projection, on_progress=on_progress)
    await pool.close()


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
