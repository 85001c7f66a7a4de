"""All mutations: each records one command and answers what it changed, or a refusal."""

from strawberry.tools import create_type

from api.graphql.mutations import (
    allergies,
    consults,
    corrections,
    expected_arrivals,
    flags,
    people,
    prescriptions,
    reports,
    rooms,
    source_movements,
    stays,
)
from api.graphql.mutations.resolvers import mutations_of

_SUBJECTS = (
    people,
    allergies,
    rooms,
    stays,
    expected_arrivals,
    consults,
    flags,
    prescriptions,
    corrections,
    reports,
    source_movements,
)
"""The modules of the inputs, in the order in which the schema shows their mutations."""

Mutation = create_type(
    "Mutation",
    [field for subject in _SUBJECTS for field in mutations_of(subject)],
    description="What can be recorded: each command whole or not at all. It answers what was recorded"
    " (Recorded), with the ids by which that is put right, or why it was not (Refusal). Make a UUID for"
    " each, as commandId: sent again with it, a command has one effect and the same answer. Facts are"
    " put right by correct… and amend…, and taken back by cancel…. An MRN, who assigned it,"
    " a staff number, a room and a bed have 40 characters at most; a reason, note, question,"
    " reaction and the names of a patient 20,000; any other text 200.",
)
