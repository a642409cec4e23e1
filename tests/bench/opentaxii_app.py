"""OpenTAXII 0.9.3 as a WSGI program. As released it answers 500 wherever an id stands in the answer (UUIDs, which json cannot
write): this is the one thing mended, so that it can be measured at all."""
import json
import uuid

plain = json.JSONEncoder.default
json.JSONEncoder.default = lambda self, value: str(value) if isinstance(value, uuid.UUID) else plain(self, value)

from opentaxii.http import app  # noqa: E402, F401
