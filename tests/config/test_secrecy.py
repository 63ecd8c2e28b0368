import pytest

from powerml.config.secrecy import may_be_secret


@pytest.mark.parametrize(
    "text",
    ["phc_1", "'phx_1'", "sk-1", "xoxb-1", "ghp_1", "whsec_1", "eyJhbGci", "Bearer x", "postgresql://me:pw@host/db",
     "0a1b2c3d4e5f6a7b8c9d0e1f"],
)  # fmt: skip
def test_tokens_and_logins_are_told(text):
    assert may_be_secret(text)


@pytest.mark.parametrize(
    "text",
    ["power_user_candidates", "https://eu.i.posthog.com", "events/2025-01.csv.gz", "task_force", "Europe/Berlin",
     "a_name_that_goes_on_and_on_without_digits", "123456789012345678901234567890"],
)  # fmt: skip
def test_names_paths_and_addresses_are_not(text):
    assert not may_be_secret(text)
