"""A release that is killed anywhere and started again ends with the same bytes.

`pytest --stress` runs the counts that the project's notes report; without it the same code runs
samples of them.
"""

import contextlib
import fcntl
import os
import random
import shutil
import signal
import subprocess
import time

import pytest

from tests.support import processes, releaser

MODELS = ("albert_en_tiny", "albert_en_preprocess")


def _start(output_dir, *, arguments):
    return processes.start(
        *arguments,
        cwd=output_dir.parent,
        start_new_session=True,
        without_tensorflow=arguments[0] == releaser.__file__,
    )


def _finish(output_dir, *, arguments):
    process = _start(output_dir, arguments=arguments)
    stdout, stderr = process.communicate()
    assert process.returncode == 0, stderr
    return stdout


@pytest.fixture(scope="module")
def copying(tiny_encoder, tiny_preprocessor):
    """Arguments of a release that exports nothing, by the folder and the point of death."""

    def arguments(output_dir, point):
        return releaser.__file__, output_dir, point, tiny_encoder, tiny_preprocessor

    return arguments


@pytest.fixture(scope="module")
def undisturbed(copying, tmp_path_factory):
    """The files of an undisturbed release, its number of points, and its duration."""
    output_dir = tmp_path_factory.mktemp("undisturbed") / "dist"
    start = time.monotonic()
    points = int(_finish(output_dir, arguments=copying(output_dir, -1)))
    return processes.contents(output_dir), points, time.monotonic() - start


def _assert_only_complete_versions(output_dir, good):
    """Users can download the same files after the kill as before it."""
    for path, content in processes.contents(output_dir).items():
        if path.startswith(releaser.PUBLISHER) and path.endswith((".tar.gz", ".intoto.json")):
            assert content == good[path]
    for model in MODELS:
        folder = output_dir / releaser.PUBLISHER / model
        if (folder / "1.tar.gz").exists():
            assert (folder / "1.intoto.json").exists()


def test_killed_before_and_after_every_file_it_publishes(copying, undisturbed, stress, tmp_path):
    good, points, _ = undisturbed
    generator = random.Random(0)
    chosen = range(points) if stress else sorted(generator.sample(range(points), 1))
    for point in chosen:
        output_dir = tmp_path / "dist"
        process = _start(output_dir, arguments=copying(output_dir, point))
        process.communicate()
        assert process.returncode == -signal.SIGKILL
        _assert_only_complete_versions(output_dir, good)
        _finish(output_dir, arguments=copying(output_dir, -1))
        assert processes.contents(output_dir) == good, point
        shutil.rmtree(output_dir)
    print(f"\nkilled at {len(chosen)} of {points} points between two files: the same bytes")


def _kill_at_random(output_dir, *, arguments, duration, generator, group):
    """Kills the release, or it and all its processes, at a random moment."""
    process = _start(output_dir, arguments=arguments)
    with contextlib.suppress(subprocess.TimeoutExpired):
        process.wait(timeout=generator.uniform(0, duration))
    with contextlib.suppress(ProcessLookupError):
        (os.killpg if group else os.kill)(process.pid, signal.SIGKILL)
    process.wait()
    for stream in (process.stdout, process.stderr):
        stream.close()


@pytest.mark.stress
def test_killed_at_random_moments(copying, undisturbed, tmp_path):
    good, _, duration = undisturbed
    generator = random.Random(1)
    count = 100
    for number in range(count):
        output_dir = tmp_path / "dist"
        _kill_at_random(
            output_dir,
            arguments=copying(output_dir, -1),
            duration=duration,
            generator=generator,
            group=True,
        )
        _assert_only_complete_versions(output_dir, good)
        _finish(output_dir, arguments=copying(output_dir, -1))
        assert processes.contents(output_dir) == good, number
        shutil.rmtree(output_dir, ignore_errors=True)
    print(f"\n{count} kills of a release that copies: the same bytes")


@pytest.mark.stress  # exports for minutes
def test_the_real_command_killed_at_random_moments_with_and_without_its_children(tmp_path):
    """Processes that survive a killed release write to its work folder: the next release waits."""
    count = 20
    generator = random.Random(2)
    output_dir = tmp_path / "dist"
    arguments = ["-m", "export.release", "--configs=tiny", "--publisher=org", "--jobs=2"]
    arguments += [f"--output_dir={output_dir}"]
    start = time.monotonic()
    _finish(output_dir, arguments=arguments)
    duration = time.monotonic() - start
    good = processes.contents(output_dir)
    shutil.rmtree(output_dir)
    for number in range(count):
        _kill_at_random(
            output_dir,
            arguments=arguments,
            duration=duration,
            generator=generator,
            group=bool(number % 2),
        )
        _finish(output_dir, arguments=arguments)
        assert processes.contents(output_dir) == good, number
        shutil.rmtree(output_dir)
    print(f"\n{count} kills of the real command: the same bytes")


def test_a_release_waits_for_processes_that_write_to_the_folder(copying, undisturbed, tmp_path):
    good, *_ = undisturbed
    output_dir = tmp_path / "dist"
    output_dir.mkdir()
    descriptor = os.open(output_dir, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX)
    # A process that has only the lock, as one that survives a killed release.
    child = subprocess.Popen(["cat"], stdin=subprocess.PIPE, pass_fds=[descriptor])
    os.close(descriptor)
    process = _start(output_dir, arguments=copying(output_dir, -1))
    assert process.stderr.readline().startswith("waiting for another release")
    assert process.poll() is None
    assert os.listdir(output_dir) == []
    child.stdin.close()
    child.wait()
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    assert processes.contents(output_dir) == good


def test_a_release_that_is_told_to_stop_stops_what_it_started(tmp_path):
    output_dir = tmp_path / "dist"
    arguments = ["-m", "export.release", "--configs=tiny", "--publisher=org", "--jobs=2"]
    process = _start(output_dir, arguments=[*arguments, f"--output_dir={output_dir}"])
    for line in process.stderr:
        if line.startswith("albert_en_preprocess/1: exporting"):
            break
    process.send_signal(signal.SIGTERM)
    stdout, stderr = process.communicate()
    assert process.returncode == 128 + signal.SIGTERM, stderr
    assert "Traceback" not in stderr
    assert stdout == ""
    assert os.listdir(output_dir) == []
    # The processes that it started hold this lock while they live.
    descriptor = os.open(output_dir, os.O_RDONLY)
    fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    os.close(descriptor)
