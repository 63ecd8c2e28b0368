import pytest

from powerml.config.reading import load
from powerml.config.weight_set import WeightSetSpec
from powerml.errors import ConfigError


@pytest.mark.parametrize(("version", "label"), [("2", "mine@2"), ("spring", "mine@spring")])
def test_the_label_is_name_and_version(tmp_path, version, label):
    path = tmp_path / "set.yaml"
    path.write_text(f"name: mine\nkind: points\nversion: {version}\n")
    assert load(WeightSetSpec, path).label == label


def test_a_misspelt_key_of_the_head(tmp_path):
    path = tmp_path / "set.yaml"
    path.write_text("name: mine\nkind: points\nbased_onn: engagement@1\n")
    with pytest.raises(ConfigError, match=r"set\.yaml:3: based_onn: unknown key; did you mean 'based_on'"):
        load(WeightSetSpec, path)
