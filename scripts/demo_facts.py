"""The sample's second opinion (samples/story/facts.py), which knows nothing of bongsu, for the demo."""
import os
import sys

sys.dont_write_bytecode = True
sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), '..', 'samples'))

from story.base import WELL_KNOWN  # noqa: E402
from story.facts import may_leave  # noqa: E402, F401

CLEAR = WELL_KNOWN['tlp:clear']
