"""Events of which a resource tells nothing, so that its version must not either."""

from domain.event_types import EVENTS
from domain.fact_ref import CLINICAL_FACTS
from domain.patient import Patient
from infrastructure.queries.log import Unseen

CLINICAL = frozenset(
    topic for topic in EVENTS if topic.partition(".")[2].partition("-")[0] in CLINICAL_FACTS
)
"""Topics of visits, consults, flags and allergies, which are in the streams of stays and patients."""

OF_ERASURES = frozenset(
    event.TOPIC
    for event in (
        *(Patient.LegalHoldPlaced, Patient.LegalHoldLifted),
        *(Patient.ErasureRequested, Patient.ErasureWithdrawn),
    )
)
"""Topics of legal holds and requests of erasures, of which no resource tells."""

OF_DEATHS = frozenset(
    event.TOPIC for event in (Patient.Died, Patient.DeathCorrected, Patient.DeathCancelled)
)

OF_NO_RESOURCE = Unseen(OF_ERASURES)
OF_NO_PATIENT = Unseen(OF_ERASURES | CLINICAL)
OF_NO_ENCOUNTER = Unseen(
    OF_ERASURES | CLINICAL | OF_DEATHS | {Patient.StayMovedAway.TOPIC},
    unless_label=frozenset(
        event.TOPIC
        for event in (Patient.DetailsCorrected, Patient.DetailsChanged, Patient.ChangeCorrected)
    ),
)
"""Of the patient it tells the label alone, which merges and details change."""
