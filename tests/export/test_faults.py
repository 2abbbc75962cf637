"""What the commands that publish leave behind when the system fails them.

Each fault is tried on each command: a full and a read-only disk are mounted (by root), errors of
system calls come from strace, want of memory from a limit, the clock from a preloaded library.
"""

import contextlib
import functools
import os
import re
import resource
import shutil
import subprocess

import pytest

from export.metadata import checksums
from tests.support import golden, processes

# Where strace makes system calls fail, counted in each thread: when folders are made, when files
# are flushed, first and late, and when TensorFlow's variables and whole versions are renamed.
_FAULTS = {
    "flush": "fsync:error=EIO",
    "late flush": "fsync:error=EIO:when=9+",
    "rename": "rename,renameat,renameat2:error=EIO",
    "late rename": "rename,renameat,renameat2:error=EIO:when=4+",
    "new folder": "mkdir,mkdirat:error=EROFS:when=5+",
}
# GB of addresses: from less than TensorFlow's import takes to more than the command needs.
_LIMITS = [0.8, 1.2, 1.3, 1.4, 1.5, 1.6, 1.7, 2.0, 2.5, 3.0, 4.0]
_CLOCK = """
#define _GNU_SOURCE
#include <dlfcn.h>
#include <sys/time.h>
#include <time.h>
static long lag(void) { static long calls; return ++calls > 1000 ? 86400 : 0; }
int clock_gettime(clockid_t id, struct timespec *now) {
  int (*real)(clockid_t, struct timespec *) = dlsym(RTLD_NEXT, "clock_gettime");
  int status = real(id, now);
  if (id == CLOCK_REALTIME) now->tv_sec -= lag();
  return status;
}
time_t time(time_t *now) {
  struct timespec spec;
  clock_gettime(CLOCK_REALTIME, &spec);
  if (now) *now = spec.tv_sec;
  return spec.tv_sec;
}
"""

pytestmark = pytest.mark.stress  # minutes; staging and the runner have small tests of their own


def _arguments(command, export_dir, request):
    if command == "release":
        return ["--configs=tiny", "--publisher=org", "--jobs=2", f"--output_dir={export_dir}"]
    destination = ["--export_dir", export_dir]
    if command == "encoder":
        return ["--config", "tiny", "--nomlm", *destination]
    if command == "convert":
        return [request.getfixturevalue("tiny_encoder"), "--to", "onnx", *destination]
    checkpoint = golden.ROOT / "tiny" / "tf1"
    return ["--checkpoint", checkpoint, "--model_name", "model", "--notext_model", *destination]


@pytest.fixture(params=["encoder", "all", "convert", "release"])
def command(request):
    """Starts a command that publishes in a folder, and returns what it wrote."""
    module = f"export.{request.param}"

    def run(export_dir, *, before=(), env=None, prefix=(), **options):
        temporary = export_dir.parent / "temporary"
        temporary.mkdir(exist_ok=True)
        python = shutil.which("python", path=os.path.dirname(os.sys.executable))
        arguments = _arguments(request.param, export_dir, request)
        return subprocess.run(
            [*prefix, python, "-m", module, *map(str, arguments)],
            env={**processes.environment(), "TMPDIR": str(temporary), **(env or {})},
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            timeout=300,
            check=False,
            **options,
        )

    return run


@contextlib.contextmanager
def _tmpfs(folder, options):
    folder.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", options, "tmpfs", str(folder)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("only root may mount a tmpfs")
    try:
        yield
    finally:
        subprocess.run(["umount", str(folder)], check=True)


def _assert_clean(export_dir, *, killed=False, temporary=True):
    """What is published is complete, and nothing else is left, unless the process was killed."""
    for path in export_dir.rglob("assets.extra/SHA256SUMS"):
        staged = any(part.startswith((".tmp-", ".work")) for part in path.parts)
        assert (killed and staged) or checksums.problems(str(path.parents[1])) == [], path
    if (export_dir / "SHA256SUMS").exists():  # a release's
        subprocess.run(
            ["sha256sum", "--check", "--quiet", "SHA256SUMS"], cwd=export_dir, check=True
        )
    if not killed:
        versions = {path.parents[1] for path in export_dir.rglob("assets.extra/SHA256SUMS")}
        files = [path for path in export_dir.rglob("*") if path.is_file()]
        if not (export_dir / "org").exists():  # a release's are tested by release/test_kills.py
            assert [path for path in files if not versions & set(path.parents)] == []
        assert list(export_dir.rglob(".*")) == []
        assert not temporary or os.listdir(export_dir.parent / "temporary") == []


@pytest.mark.parametrize("options", ["size=300k", "size=1m", "ro"])
def test_a_disk_that_is_full_or_read_only_is_an_error(command, options, tmp_path):
    export_dir = tmp_path / "disk"
    with _tmpfs(export_dir, options):
        message = processes.error(command(export_dir))
        assert re.search("space|writ|large|read-only", message, re.IGNORECASE), message
        _assert_clean(export_dir)


@pytest.mark.parametrize("fault", _FAULTS)
def test_an_error_of_a_system_call_is_one_line(command, fault, tmp_path):
    if not shutil.which("strace"):
        pytest.skip("strace is not installed")
    traced = re.match("[a-z0-9,]+", _FAULTS[fault])[0]
    strace = ["strace", "-f", "--seccomp-bpf", "-qq", "-o", tmp_path / "log", f"-etrace={traced}"]
    done = command(tmp_path / "exports", prefix=[*strace, f"-einject={_FAULTS[fault]}"])
    if "INJECTED" in (tmp_path / "log").read_text():
        assert re.search("Input/output|Read-only", processes.error(done))
    else:  # the command makes fewer such calls
        assert fault.startswith("late")
        assert done.returncode == 0, done.stderr
    _assert_clean(tmp_path / "exports")


@pytest.mark.parametrize("gigabytes", _LIMITS)
def test_want_of_memory_is_one_line_or_a_kill(command, gigabytes, tmp_path):
    size = int(gigabytes * 1e9)
    limit = functools.partial(resource.setrlimit, resource.RLIMIT_AS, (size, size))
    done = command(tmp_path / "exports", preexec_fn=limit)
    print(f"\n{gigabytes} GB: status {done.returncode}, {done.stderr.strip().splitlines()[-1:]}")
    killed = done.returncode not in (0, 1)  # by the abort of a library that found no memory
    if done.returncode == 1:
        processes.error(done)
    # Without memory, or by the end at once, temporary files stay as after a kill.
    _assert_clean(tmp_path / "exports", killed=killed, temporary=done.returncode == 0)


def test_a_clock_that_goes_back_changes_nothing(command, tmp_path):
    if not shutil.which("gcc"):
        pytest.skip("gcc is not installed")
    source, library = tmp_path / "clock.c", tmp_path / "clock.so"
    source.write_text(_CLOCK)
    subprocess.run(["gcc", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    assert command(tmp_path / "right").returncode == 0
    done = command(tmp_path / "back", env={"LD_PRELOAD": str(library)})
    assert done.returncode == 0, done.stderr
    assert processes.contents(tmp_path / "back") == processes.contents(tmp_path / "right")


@pytest.mark.parametrize("seconds", [1, 4, 8])
def test_a_command_that_is_told_to_stop_leaves_nothing(command, seconds, tmp_path):
    """Its own children must end, too: they would go on writing."""
    done = command(tmp_path / "exports", prefix=["timeout", "--signal=TERM", str(seconds)])
    if done.returncode != 0:
        assert done.returncode == 124, done.stderr  # what timeout says when it stopped something
        assert "Traceback" not in done.stderr
    _assert_clean(tmp_path / "exports")
