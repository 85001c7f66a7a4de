"""Kinds of flags on the board that a house has unless it sets others."""

NOTE = "NOTE"
"""Kind of flag that is a text of its own: of all others one is up at a time."""

BOARD_FLAGS = ("FALL_RISK", "ISOLATION", "NIL_BY_MOUTH", "RESUSCITATION", NOTE)
