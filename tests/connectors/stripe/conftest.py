import pytest
from stripe_till import open_till


@pytest.fixture
def till():
    with open_till() as opened:
        yield opened
