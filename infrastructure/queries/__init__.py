"""Queries that join several read models or read the log, and what all queries share.

A query is one function: it takes a connection and an `AsOf`, sends one or a few indexed SELECTs, and
returns frozen dataclasses (views). Queries on one read model stand in its module, beside its table.

There is one SQL idiom for each kind of table. SELECTs on the tables of read models are SQLAlchemy Core;
one for a viewer is a `CompiledStatement` and takes its rows through `AsOf.holds`, `of` or `visible`,
which apply row security. Statements on the schemas ``record``, ``audit`` and ``projections`` are SQL
text, and so are walks along merge links and along the log that read a read model on their way.
"""
