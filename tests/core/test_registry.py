import subprocess
import sys

import pytest

from engine.core import registry


def test_a_part_is_found_by_name() -> None:
    name = registry.names("feature")[0]
    assert isinstance(registry.lookup("feature", name), type)


def test_unknown_name_lists_what_there_is() -> None:
    known = registry.names("feature")
    with pytest.raises(LookupError, match=f"expected a feature, one of {', '.join(known)}; got 'smell'"):
        registry.lookup("feature", "smell")


@pytest.mark.parametrize("name", ["onset.smell", "a.b.c", ".onset", "", "on set", "on\0set", "../onset", "x" * 5000])
def test_a_name_that_is_no_modules_is_unknown_and_leads_nowhere(name: str) -> None:
    with pytest.raises(LookupError, match="expected a feature, one of "):
        registry.lookup("feature", name)


def test_a_taken_name_is_refused_and_kept() -> None:
    name = registry.names("feature")[0]
    first = registry.lookup("feature", name)
    with pytest.raises(ValueError, match=f"expected a new feature name, got '{name}'"):
        registry.register("feature", name)(type("Impostor", (), {}))
    assert registry.lookup("feature", name) is first


def test_looking_up_one_runtime_does_not_load_another() -> None:
    script = "import sys; from engine import registry; registry.lookup('runtime', 'openvino'); sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
