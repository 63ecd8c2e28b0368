"""Whatever services do and whenever the process is killed, nothing is lost and only what was in flight comes twice."""

import pytest

from tests.sinks.schedules import run


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(9001, 9007))
def test_a_schedule_of_faults_and_kills(tmp_path, seed):
    seen = run(seed, tmp_path)
    assert seen.wrong == []
    assert seen.faults or seen.kills
