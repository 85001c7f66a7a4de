"""SMART App Launch 2.0 (https://hl7.org/fhir/smart-app-launch/): where to log in, and what scopes leave.

Who may see what is said by the role. Scopes of a token only take away from that: types of resources, of
which a program that acts for somebody needs few.
"""

import re
from collections.abc import Iterable

from api.auth.authentication import Authenticator
from api.auth.oidc import OidcAuthenticator, ProviderUnavailable
from api.fhir.outcome import FhirError, OutOfScope
from api.fhir.values import TERMINOLOGY, Json, coding, concept
from application.authorization.roles import Caller
from infrastructure.settings import Settings

_SCOPE = re.compile(
    r"(patient|user|system)/(\*|[A-Z][A-Za-z]+)\.(\*|read|write|c?r?u?d?s?)(?:\?\S*)?"
)


def types_of(scopes: Iterable[str]) -> frozenset[str] | None:
    """Return the types that SMART scopes leave to be read, ``*`` for all; None without such scopes.

    What a scope narrows in a way that is not known here (a patient of a launch, a query) leaves none.
    """
    matches = [match for scope in scopes if (match := _SCOPE.fullmatch(scope))]
    if not matches:
        return None
    return frozenset(
        match[2]
        for match in matches
        if match[1] != "patient" and "?" not in match[0] and _reads(match[3])
    )


def _reads(permissions: str) -> bool:
    return permissions in ("*", "read") or {"r", "s"} <= set(permissions)


def is_in_scope(caller: Caller, type: str) -> bool:
    """Return whether the scopes of a token leave a type."""
    types = types_of(caller.scopes)
    return types is None or bool(types & {"*", type})


def check_scope(caller: Caller, type: str) -> None:
    """Refuse a type that the scopes of a token do not leave. Raises OutOfScope."""
    if not is_in_scope(caller, type):
        raise OutOfScope(
            403, "forbidden", f"The token's scopes do not have user/{type}.rs or user/*.rs."
        )


PROVIDED = (
    "issuer",
    "jwks_uri",
    "authorization_endpoint",
    "token_endpoint",
    "registration_endpoint",
    "introspection_endpoint",
    "revocation_endpoint",
    "management_endpoint",
    "grant_types_supported",
    "response_types_supported",
    "token_endpoint_auth_methods_supported",
    "scopes_supported",
)
"""Statements that SMART asks of a server and its login's provider makes."""

DEFAULTS = {"grant_types_supported": ["authorization_code", "implicit"]}
"""Values of statements that a provider leaves out (OpenID Connect Discovery 1.0, section 3)."""


async def configuration(login: Authenticator) -> Json:
    """Return the SMART configuration of the login's provider. Raises FhirError without one."""
    if not isinstance(login, OidcAuthenticator):
        raise FhirError(
            404,
            "not-supported",
            "No OpenID provider is set here: tokens are those of wardbook token.",
        )
    try:
        provider = await login.configuration()
    except ProviderUnavailable as error:
        raise FhirError(503, "transient", f"{error} Try again later.") from None
    statements = DEFAULTS | {name: provider[name] for name in PROVIDED if name in provider}
    methods = provider.get("code_challenge_methods_supported") or ()
    return statements | {
        # an app may not be offered the method that keeps no secret
        "code_challenge_methods_supported": [method for method in methods if method != "plain"],
        "capabilities": ["permission-user", "permission-v1", "permission-v2"],
    }


def security(settings: Settings, base: str) -> Json:
    """Return the part of the CapabilityStatement that says how to log in."""
    service = coding(f"{TERMINOLOGY}/restful-security-service", "SMART-on-FHIR", "SMART-on-FHIR")
    is_set = settings.oidc_issuer is not None
    return {
        "cors": bool(settings.allowed_origins),
        "service": [concept(service)] if is_set else [],
        "description": f"A bearer token of {settings.oidc_issuer}; see"
        f" {base}/.well-known/smart-configuration."
        if is_set
        else "A bearer token, as wardbook token gives them.",
    }
