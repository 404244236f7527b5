"""What else is in this process that a reader of its figures should know of."""

import sys

development_server = ""
"""The server that the application runs under, if it is one for development."""

_INSTRUMENTS = {
    "ddtrace": "ddtrace",
    "newrelic.agent": "New Relic",
    "opentelemetry.instrumentation": "OpenTelemetry",
    "opentelemetry.sdk.trace": "OpenTelemetry",
    "sentry_sdk": "Sentry",
    "elasticapm": "Elastic APM",
    "scout_apm": "Scout APM",
    "debug_toolbar": "django-debug-toolbar",
    "silk": "django-silk",
    "pyinstrument": "pyinstrument",
}
"""By module; one whose name alone is imported without use, such as an API package, is not here."""


def instruments() -> "list[str]":
    """The names of other tools in this process that observe it, and cost time."""
    return sorted({name for module, name in _INSTRUMENTS.items() if module in sys.modules})
