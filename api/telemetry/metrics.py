"""Metrics for Prometheus: numbers only, and nothing about anybody.

Labels are of short lists that the program knows; never a name, an id, or anything that a client sent.
"""

from collections.abc import Sequence

from prometheus_client import (
    CONTENT_TYPE_LATEST,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
)

from api.container import AppState
from infrastructure.caching.replica import OK
from infrastructure.queries.checkpoints import CheckpointAge
from infrastructure.queries.projection_status import ProjectionView

CONTENT_TYPE = CONTENT_TYPE_LATEST
REGISTRY = CollectorRegistry()

REQUESTS = Counter(
    "wardbook_requests",
    "Requests to the GraphQL endpoint, by the status of the answer.",
    ["status"],
    registry=REGISTRY,
)
SECONDS = Histogram(
    "wardbook_request_seconds",
    "How long answers took.",
    buckets=(0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10),
    registry=REGISTRY,
)
LOOP_HELD = Histogram(
    "wardbook_loop_held_seconds",
    "Longest time for which a request or an operation over a WebSocket held the event loop.",
    buckets=(0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 1),
    registry=REGISTRY,
)
REFUSALS = Counter(
    "wardbook_refusals",
    "Refusals and faults that were told, by their code.",
    ["code"],
    registry=REGISTRY,
)
EMERGENCY_ACCESSES = Counter(
    "wardbook_emergency_accesses",
    "Glasses that were broken: closed data that somebody opened, with a reason.",
    registry=REGISTRY,
)
ANSWERS = Counter(
    "wardbook_answers",
    "Answers to questions that may be kept: told again as kept, or made.",
    ["how"],
    registry=REGISTRY,
)
SOCKETS = Gauge("wardbook_sockets", "WebSockets that are open.", registry=REGISTRY)
TOO_SLOW = Counter(
    "wardbook_sockets_too_slow",
    "WebSockets that were closed because their client took nothing.",
    registry=REGISTRY,
)
FOLLOWERS = Gauge("wardbook_followers", "Subscriptions that follow.", registry=REGISTRY)
LAG_EVENTS = Gauge(
    "wardbook_read_model_lag_events",
    "Events that a read model lacks.",
    ["model"],
    registry=REGISTRY,
)
LAG_SECONDS = Gauge(
    "wardbook_read_model_lag_seconds",
    "Age of the oldest event that a read model lacks.",
    ["model"],
    registry=REGISTRY,
)
PARKED = Gauge(
    "wardbook_read_model_parked_commands",
    "Commands that a read model could not take in.",
    ["model"],
    registry=REGISTRY,
)
CHECKPOINT_SECONDS = Gauge(
    "wardbook_checkpoint_age_seconds",
    "Age of the newest signed checkpoint, of the log or the record of reading.",
    ["tree"],
    registry=REGISTRY,
)
UNSIGNED_SECONDS = Gauge(
    "wardbook_unsigned_seconds",
    "Age of the oldest event or reading that no signed checkpoint is of.",
    ["tree"],
    registry=REGISTRY,
)
POOL = Gauge(
    "wardbook_pool_connections",
    "Connections for reading: in use, and there.",
    ["state"],
    registry=REGISTRY,
)

REPLICA_READS = Counter(
    "wardbook_replica_reads",
    "Operations that a replica may answer, by who did.",
    ["source"],
    registry=REGISTRY,
)
REPLICA_LAG = Gauge(
    "wardbook_replica_lag_events",
    "Events that the read replica was behind, when it was asked last.",
    registry=REGISTRY,
)
REPLICA_IN_USE = Gauge(
    "wardbook_replica_in_use",
    "1 if the read replica answers, 0 if it is away or behind and the primary answers for it.",
    registry=REGISTRY,
)


def exposition(
    state: AppState, models: Sequence[ProjectionView], checkpoints: Sequence[CheckpointAge] = ()
) -> bytes:
    """Return all metrics in the text format of Prometheus."""
    for gauge in (LAG_EVENTS, LAG_SECONDS, PARKED, CHECKPOINT_SECONDS, UNSIGNED_SECONDS):
        gauge.clear()  # a figure that cannot be read now is absent, not as it was before
    for model in models:
        LAG_EVENTS.labels(model.name).set(model.lag)
        LAG_SECONDS.labels(model.name).set(model.lag_seconds)
        PARKED.labels(model.name).set(model.parked)
    for checkpoint in checkpoints:
        CHECKPOINT_SECONDS.labels(checkpoint.tree).set(checkpoint.seconds)
        UNSIGNED_SECONDS.labels(checkpoint.tree).set(checkpoint.unsigned_seconds)
    if state.replica is not None:
        REPLICA_LAG.set(state.replica.lag_events)
        REPLICA_IN_USE.set(state.replica.state == OK)
    FOLLOWERS.set(state.broker.subscribers)
    in_use, idle = state.engine.counts()
    POOL.labels("in_use").set(in_use)
    POOL.labels("idle").set(idle)
    return generate_latest(REGISTRY)
