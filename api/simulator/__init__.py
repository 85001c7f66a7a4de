"""A simulated hospital: it lives, and tells of itself through the same commands as everybody.

`simulation` puts it together. In life things happen on the `clock`'s agenda: people (`people`,
`staff`) arrive (`arrivals`), run their `course`, are moved (`movements`), cared for (`care`,
`medicines`), in a `house` that needs `upkeep`. Each fact then waits at the `desk` until the time
at which it is recorded.
"""

from api.simulator.simulation import AnotherHouse, Simulated, simulate

__all__ = ["AnotherHouse", "Simulated", "simulate"]
