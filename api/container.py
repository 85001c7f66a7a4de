"""The container: everything that the API takes from the infrastructure, made once for a process."""

import contextlib
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from typing import Protocol

from application.hospital import Hospital
from application.reports.disclosed_figures import DisclosedFigures
from infrastructure.access_log import AccessLog
from infrastructure.bootstrap import hospital, seed
from infrastructure.caching.read_snapshot import Snapshots
from infrastructure.caching.replica import Replica
from infrastructure.caching.response_cache import ResponseCache
from infrastructure.evidence.checkpoints import CheckpointRunner
from infrastructure.postgres.database import Database, Log
from infrastructure.postgres.reused_connection import ReusingEngine
from infrastructure.projections.runner import ProjectionRunner
from infrastructure.sealing.key_ring import key_ring
from infrastructure.settings import Settings
from infrastructure.subscriptions.broker import Broker
from infrastructure.subscriptions.projection_progress import ProjectionProgress
from infrastructure.tokens.revocations import Revocations
from infrastructure.tokens.uses import TokenUses


@dataclass(frozen=True, slots=True)
class AppState:
    """The container of one process; ``request.state.container`` while its server runs."""

    settings: Settings
    database: Database
    log: Log
    hospital: Hospital
    engine: ReusingEngine
    progress: ProjectionProgress
    access_log: AccessLog
    broker: Broker
    snapshots: Snapshots
    response_cache: ResponseCache
    revocations: Revocations
    token_uses: TokenUses
    disclosed_figures: DisclosedFigures
    runner: ProjectionRunner
    replica: Replica | None = None


class Memory(Protocol):
    """Something that is remembered in a process, and may be of a person."""

    def forget_all(self) -> None:
        """Forget everything."""


@contextlib.asynccontextmanager
async def forgetting(database: Database, the_hospital: Hospital) -> AsyncIterator[None]:
    """Empty what a process without a server remembers, once somebody is erased."""
    engine = database.async_engine(1)
    progress = ProjectionProgress(database.app_url, engine)
    progress.on_erasure = lambda: _forget(the_hospital.pipeline.cache, key_ring())
    await progress.start()
    try:
        yield
    finally:
        await progress.stop()
        await engine.dispose()


def _forget(*memories: Memory) -> None:
    for memory in memories:
        memory.forget_all()


@contextlib.asynccontextmanager
async def running(
    settings: Settings, database: Database, *, with_worker: bool, memories: Sequence[Memory] = ()
) -> AsyncIterator[AppState]:
    """Run a process's container. With a worker inside, it keeps the read models up to date itself.

    ``memories``: what else the process remembers, to be emptied when somebody is erased.
    """
    log = database.open_log()
    the_hospital = hospital(settings, database)
    engine = database.async_engine()
    progress = ProjectionProgress(database.app_url, engine)
    seed(settings, the_hospital, log)
    runner = ProjectionRunner(database.app_url)
    worker = threading.Thread(target=runner.run, name="follower", daemon=True)
    checkpoints = CheckpointRunner(database, settings.home, settings.checkpoint_seconds)
    signer = threading.Thread(target=checkpoints.run, name="checkpoints", daemon=True)
    if with_worker:
        worker.start()
    if with_worker and settings.checkpoint_seconds:
        signer.start()
    await progress.start()
    broker = Broker(progress, engine)
    broker.start()
    snapshots = Snapshots(
        engine, is_shared=settings.read_snapshot, single_flight=settings.single_flight
    )
    response_cache = ResponseCache(engine, snapshots, settings.kept_answers_mb * 1_000_000)
    replica = Replica(settings, log, progress) if settings.read_database_url else None
    caches = [response_cache, *([replica.response_cache] if replica else ())]

    def drop_stale(position: int) -> None:
        for cache in caches:
            cache.drop_stale(position)

    progress.on_position = drop_stale
    progress.on_erasure = lambda: _forget(
        the_hospital.pipeline.cache, key_ring(), broker, *memories
    )
    try:
        yield AppState(
            settings=settings,
            database=database,
            log=log,
            hospital=the_hospital,
            engine=engine,
            progress=progress,
            access_log=AccessLog(engine),
            broker=broker,
            snapshots=snapshots,
            response_cache=response_cache,
            revocations=Revocations(engine),
            token_uses=TokenUses(engine, settings.token_idle_minutes),
            disclosed_figures=DisclosedFigures(),
            runner=runner,
            replica=replica,
        )
    finally:
        runner.stop()
        checkpoints.stop()
        await broker.stop()
        await progress.stop()
        await engine.dispose()
        if replica is not None:
            await replica.stop()
        if with_worker:
            worker.join(timeout=5)
        if signer.is_alive():
            signer.join(timeout=5)
        the_hospital.close()
