"""All safeguards that `make prove` takes out, each with the tests that must notice."""

from __future__ import annotations

from tests.prove.accepting import ACCEPTING
from tests.prove.asking import ASKING
from tests.prove.calling import CALLING
from tests.prove.claiming import CLAIMING
from tests.prove.contacting import CONTACTING
from tests.prove.counting import COUNTING
from tests.prove.doubting import DOUBTING
from tests.prove.edging import EDGING
from tests.prove.filling import FILLING
from tests.prove.identifying import IDENTIFYING
from tests.prove.limiting import LIMITING
from tests.prove.pushing import PUSHING
from tests.prove.receiving import RECEIVING
from tests.prove.refusing import REFUSING
from tests.prove.restoring import RESTORING
from tests.prove.settling import SETTLING
from tests.prove.sharing import SHARING
from tests.prove.stepping import STEPPING
from tests.prove.stopping import STOPPING

MUTATIONS = (
    *ACCEPTING,
    *ASKING,
    *CONTACTING,
    *CLAIMING,
    *CALLING,
    *SETTLING,
    *DOUBTING,
    *STOPPING,
    *STEPPING,
    *COUNTING,
    *SHARING,
    *LIMITING,
    *RESTORING,
    *RECEIVING,
    *PUSHING,
    *REFUSING,
    *EDGING,
    *FILLING,
    *IDENTIFYING,
)
