"""Simulated hospital: a driving adapter that records through the same commands as everybody.

`simulation` puts it together. In life things happen on the `clock`'s agenda: people (`people`,
`staff`) arrive (`arrivals`), run their `course`, are moved (`movements`), cared for (`care`,
`medicines`, `assessment`), in a `house` that needs `upkeep`. Each fact then waits in the
`recording_queue` until the time at which it is recorded, some of them wrongly at first
(`data_entry_errors`).
"""

from api.simulator.simulation import AnotherHouse, SimulationResult, simulate

__all__ = ["AnotherHouse", "SimulationResult", "simulate"]
