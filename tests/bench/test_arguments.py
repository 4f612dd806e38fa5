"""The command line: one line for a mistake, environment variables for every option."""

from __future__ import annotations

import pytest

from armbench.bench.arguments import UsageError, parse


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "say what to do"),
        (["rum"], "no verb rum; did you mean run?"),
        (["run", "--bogus"], "unknown option --bogus"),
        (["run", "--prof", "quick"], "did you mean --profile"),
        (["run", "--presicion", "1"], "did you mean --precision"),
        (["run", "--profile", "slow"], "invalid choice: 'slow'"),
        (["run", "--budget", "-3"], "not above 0"),
        (["run", "--rounds", "0"], "not from 1 to 1,000,000"),
        (["compare"], "BASE"),
        (["show"], "FILE"),
        (["show", "a.json", "b.json"], "unexpected argument b.json"),
    ],
)
def test_mistakes_are_one_line(words: list[str], message: str) -> None:
    with pytest.raises(UsageError) as caught:
        parse(words, {})
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_environment_stands_in_for_options() -> None:
    environment = {"ARMBENCH_PROFILE": "quick", "ARMBENCH_CPUS": "all", "ARMBENCH_BUDGET": "30"}
    options = parse(["run", "matmul", "--cpus", "1"], environment)
    assert (options.profile, options.cpus, options.budget) == ("quick", "1", 30.0)
    assert options.select == ["matmul"]
    assert parse(["machine"], {"ARMBENCH_JSON": "1"}).json
    assert not parse(["machine"], {"ARMBENCH_JSON": "0"}).json


def test_what_the_command_line_itself_changes_is_told_apart() -> None:
    assert parse(["run"], {"ARMBENCH_CPUS": "all"}).given == set()
    options = parse(["run", "matmul", "--resume", "x"], {"ARMBENCH_CPUS": "all"})
    assert options.given == {"select", "resume"}
    assert options.words == ["--cpus=all", "matmul", "--resume", "x"]


def test_a_bad_environment_value_is_refused() -> None:
    with pytest.raises(UsageError, match="invalid choice"):
        parse(["run"], {"ARMBENCH_PROFILE": "slow"})
