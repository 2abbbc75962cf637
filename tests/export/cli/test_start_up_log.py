"""A command's stderr has its own lines, not those of TensorFlow's import."""

from tests.support import processes

FAKE = """
import os
os.write(2, b"WARNING: All log messages before absl::InitializeLog() is called are written\\n")
os.write(2, b"I0000 00:00:1 99 port.cc:153] oneDNN custom operations are on.\\n")
os.write(2, b"something else\\n")
value = __spec__.name
"""
# What tensorflow_hub 0.16.1 does that warns.
FAKE_HUB = "from pkg_resources import parse_version"
CODE = """
import sys
sys.path.insert(0, "{folder}")
from export.cli import runner
def main():
    print("before", file=sys.stderr)
    import tensorflow
    import tensorflow_hub
    runner.log("after " + tensorflow.value)
runner.run(main)
"""


def _lines(tmp_path, **environment):
    (tmp_path / "tensorflow.py").write_text(FAKE)
    (tmp_path / "tensorflow_hub.py").write_text(FAKE_HUB)
    given = processes.environment(without_tensorflow=True)
    given.pop("TF_CPP_MIN_LOG_LEVEL")
    code = CODE.format(folder=tmp_path)
    done = processes.python("-c", code, cwd=tmp_path, env={**given, **environment})
    assert done.returncode == 0, done.stderr
    return done.stderr.splitlines()


def test_the_log_of_the_import_is_hidden_and_nothing_else(tmp_path):
    assert _lines(tmp_path) == ["before", "something else", "after tensorflow"]


def test_a_user_who_sets_the_level_sees_everything(tmp_path):
    shown = _lines(tmp_path, TF_CPP_MIN_LOG_LEVEL="0")
    assert len([line for line in shown if "pkg_resources" not in line]) == 5


def test_a_user_who_asks_for_warnings_sees_them(tmp_path):
    shown = _lines(tmp_path, PYTHONWARNINGS="default")
    assert any("pkg_resources is deprecated" in line for line in shown)
