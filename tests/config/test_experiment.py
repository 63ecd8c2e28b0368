import pytest

from powerml.config.experiment import DEFAULT_SCORERS, ExperimentSpec, FittedEntry, WeightSetEntry, load_experiment
from powerml.errors import ConfigError


def write(folder, text):
    path = folder / "experiment.yaml"
    path.write_text(text)
    return path


def test_the_specification_s_example(tmp_path):
    folder = tmp_path / "fitted_or_documented"
    folder.mkdir()
    experiment = load_experiment(
        write(
            folder,
            "question: Do fitted weights beat the documented ones?\n"
            "project: ../../powerml.yaml        # absent: the project given by -c\n"
            "snapshots: {every: month}\n"
            "screen: {threshold: 0.45}          # absent: the default screen; off: none\n"
            "scorers:\n"
            "  - weights: engagement            # a name or a path\n"
            "  - {name: fitted_card, fit: card} # options of that head may follow\n"
            "seed: 7\n",
        )
    )
    assert experiment.name == "fitted_or_documented"
    assert experiment.project_file == folder / "../../powerml.yaml"
    assert experiment.screen.threshold == 0.45
    assert experiment.scorers == (WeightSetEntry(weights="engagement"), FittedEntry(name="fitted_card", fit="card"))
    assert [entry.label for entry in experiment.scorers] == ["engagement", "fitted_card"]
    assert experiment.seed == 7


def test_an_empty_experiment_is_the_default_one():
    experiment = ExperimentSpec()
    assert experiment.scorers == DEFAULT_SCORERS
    names = ["engagement", "power_user", "activity", "logistic", "auto"]
    assert [entry.label for entry in experiment.scorers] == names


def test_the_screen_can_be_off(tmp_path):
    assert load_experiment(write(tmp_path, "screen: off")).screen == "off"


def test_options_of_a_head_are_kept(tmp_path):
    (entry,) = load_experiment(write(tmp_path, "scorers: [{fit: logistic, C: 0.5}]")).scorers
    assert entry.options == {"C": 0.5}


def test_all_problems_are_told_at_once_with_their_lines(tmp_path):
    text = "sed: 7\nscorers:\n  - {wieghts: engagement}\n  - {fit: lgbm}\n"
    with pytest.raises(ConfigError) as caught:
        load_experiment(write(tmp_path, text))
    message = str(caught.value)
    assert ":1: sed: unknown key; did you mean 'seed'?" in message
    assert ":3: scorers.0.wieghts: unknown key; did you mean 'weights'?" in message
    assert ":4: scorers.1.fit: expected 'weights', 'card', 'logistic'" in message


def test_two_scorers_of_one_name_are_refused(tmp_path):
    text = "scorers:\n  - {fit: logistic}\n  - {fit: logistic, C: 2}\n"
    with pytest.raises(ConfigError, match=r":3: scorers\.1: 'logistic' is the name of scorer 0 too"):
        load_experiment(write(tmp_path, text))


def test_no_scorers_is_a_problem(tmp_path):
    with pytest.raises(ConfigError, match="scorers"):
        load_experiment(write(tmp_path, "scorers: []"))


def test_a_capacity_is_one_number_or_several(tmp_path):
    assert load_experiment(write(tmp_path, "capacity: 20")).capacity == (20,)
    assert load_experiment(write(tmp_path, "capacity: [10, 20]")).capacity == (10, 20)
    with pytest.raises(ConfigError, match=r":1: capacity: input should be greater than 0, got 0"):
        load_experiment(write(tmp_path, "capacity: 0"))


def test_a_scorer_that_is_none_is_told_once(tmp_path):
    with pytest.raises(ConfigError) as caught:
        load_experiment(write(tmp_path, "scorers: [{fit: forest}]"))
    (told,) = str(caught.value).splitlines()
    assert "scorers.0.fit: expected 'weights', 'card', 'logistic'" in told
