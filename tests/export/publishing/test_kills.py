"""Under kills, races and polling, a version is complete or does not exist.

`pytest --stress` runs the counts that the project's notes report; without it the same code runs
samples of them.
"""

import contextlib
import os
import pathlib
import random
import shutil
import signal
import subprocess
import time

import pytest

from export.metadata import checksums
from tests.support import exporter, processes, sampling

EXPORTERS = 8


def _start(export_dir, *, version="", kind="small", wait=False):
    environment = processes.environment() | ({"STAGED_EXPORT_WAIT": "1"} if wait else {})
    return processes.start(
        *(exporter.__file__, export_dir, version, kind),
        cwd=processes.REPOSITORY,
        env=environment,
        stdin=subprocess.PIPE,
    )


def _reference(tmp_path_factory, kind):
    """Returns the files of an artifact of an undisturbed export, and its duration."""
    folder = tmp_path_factory.mktemp("reference")
    start = time.monotonic()
    process = _start(folder, version="1", kind=kind)
    _, stderr = process.communicate()
    assert process.returncode == 0, stderr
    return processes.contents(folder / exporter.NAME / "1"), time.monotonic() - start


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    return _reference(tmp_path_factory, "small")


@pytest.fixture(scope="module")
def encoder(tmp_path_factory):
    return _reference(tmp_path_factory, "encoder")


def _wait_until(stream, word):
    for line in stream:
        if line.strip() == word:
            return


def _kill(process, *, moment, duration, generator):
    """Kills the process at a random moment, or within milliseconds of the rename."""
    if moment == "rename":
        _wait_until(process.stderr, "ready")
        until = time.perf_counter() + generator.choice([0, generator.uniform(0, 0.002)])
        while time.perf_counter() < until:
            pass  # a sleep would take longer than a millisecond
    else:
        with contextlib.suppress(subprocess.TimeoutExpired):
            process.wait(timeout=generator.uniform(0, duration))
    process.send_signal(signal.SIGKILL)
    process.communicate()


def _names(export_dir):
    model_dir = export_dir / exporter.NAME
    return sorted(os.listdir(model_dir)) if model_dir.is_dir() else []


@sampling.parametrize(("kind", "kills"), [("small", 200), ("encoder", 30)], sample=[("small", 200)])
def test_a_killed_exporter_leaves_a_complete_version_or_none(
    kind, kills, stress, tmp_path, request
):
    good, duration = request.getfixturevalue(kind)
    generator = random.Random(1)
    count = kills if stress else 6
    published = abandoned = 0
    for number in range(count):
        export_dir = tmp_path / str(number)
        moment = "rename" if number % 2 else "random"
        _kill(
            _start(export_dir, version="1", kind=kind),
            moment=moment,
            duration=duration,
            generator=generator,
        )
        names = _names(export_dir)
        abandoned += any(name.startswith(".tmp-") for name in names)
        assert [name for name in names if name.isdigit()] in ([], ["1"])
        if "1" in names:
            published += 1
            assert processes.contents(export_dir / exporter.NAME / "1") == good
        # The same exporter again cleans up, and succeeds or finds the version.
        retry = processes.python(exporter.__file__, export_dir, "", kind)
        assert retry.returncode == 0, retry.stderr
        expected = ["1", "2"] if "1" in names else ["1"]
        assert _names(export_dir) == expected
        for version in expected:
            assert processes.contents(export_dir / exporter.NAME / version) == good
        shutil.rmtree(export_dir)
    print(
        f"\n{kind}: {count} kills, {published} after the rename, {abandoned} folders swept: 0 lost"
    )


def test_of_artifacts_published_together_a_kill_leaves_complete_ones(small, stress, tmp_path):
    good, duration = small
    generator = random.Random(3)
    count = 200 if stress else 6
    halves = 0
    for number in range(count):
        export_dir = tmp_path / str(number)
        process = _start(export_dir, version="1", kind="three")
        moment = "rename" if number % 2 else "random"
        _kill(process, moment=moment, duration=duration, generator=generator)
        found = [name for name in exporter.THREE if (export_dir / name / "1").is_dir()]
        assert found == list(exporter.THREE[: len(found)])  # in their order
        halves += 0 < len(found) < len(exporter.THREE)
        retry = processes.python(exporter.__file__, export_dir, "", "three")
        assert retry.returncode == 0, retry.stderr
        last = "2" if found else "1"
        for name in exporter.THREE:
            versions = [*(["1"] if name in found else []), last]
            assert sorted(os.listdir(export_dir / name)) == versions
            for version in versions:
                assert processes.contents(export_dir / name / version) == good
        shutil.rmtree(export_dir)
    print(f"\n{count} kills of three artifacts, {halves} between their renames: 0 lost")


def _finish_together(running):
    for process in running:
        _wait_until(process.stderr, "ready")
    for process in running:
        process.stdin.write("\n")
        process.stdin.flush()
    return [(*process.communicate(), process.returncode) for process in running]


@sampling.parametrize("existing", [False, True], sample=[True])
def test_of_exporters_of_one_version_exactly_one_wins(small, stress, tmp_path, existing):
    good, _ = small
    rounds = 10 if stress else 1
    for number in range(rounds):
        export_dir = tmp_path / str(number)
        if existing:
            (export_dir / exporter.NAME).mkdir(parents=True)
        running = [_start(export_dir, version="3", wait=True) for _ in range(EXPORTERS)]
        results = _finish_together(running)
        winners = [stdout for stdout, _, status in results if status == 0]
        assert winners == [f"{export_dir / exporter.NAME / '3'}\n"]
        for stdout, stderr, status in results:
            if status:
                assert (stdout, status) == ("", 1)
                assert stderr.splitlines()[-1].startswith("error: version")
        assert _names(export_dir) == ["3"]
        assert processes.contents(export_dir / exporter.NAME / "3") == good
    print(f"\n{rounds} rounds of {EXPORTERS} exporters of one version: one winner each")


@pytest.mark.stress
def test_exporters_of_the_next_free_version_all_get_one(small, stress, tmp_path):
    good, _ = small
    rounds = 10 if stress else 1
    for number in range(rounds):
        export_dir = tmp_path / str(number)
        results = _finish_together([_start(export_dir, wait=True) for _ in range(EXPORTERS)])
        assert [status for *_, status in results] == [0] * EXPORTERS, results
        versions = [str(version) for version in range(1, EXPORTERS + 1)]
        assert _names(export_dir) == versions
        assert sorted(stdout.strip().rsplit("/", 1)[1] for stdout, *_ in results) == versions
        for version in versions:
            assert processes.contents(export_dir / exporter.NAME / version) == good
    print(f"\n{rounds} rounds of {EXPORTERS} exporters: {EXPORTERS} versions each")


@pytest.mark.stress
def test_exporters_that_start_and_fail_together_never_lose_their_folder(small, stress, tmp_path):
    """A failed exporter removes the folders that it made, while others make them."""
    good, _ = small
    rounds = 10 if stress else 1
    for _ in range(rounds):
        doomed = [_start(tmp_path, version="5", wait=True) for _ in range(EXPORTERS // 2)]
        for process in doomed:
            _wait_until(process.stderr, "ready")
        lucky = [_start(tmp_path, version="5") for _ in range(EXPORTERS // 2)]
        for process in doomed:
            process.send_signal(signal.SIGINT)
        for process in doomed:
            process.communicate()
            assert process.returncode != 0
        statuses = []
        for process in lucky:
            _, stderr = process.communicate()
            statuses.append(process.returncode)
            assert process.returncode == 0 or "error: version" in stderr, stderr
        assert statuses.count(0) == 1
        assert _names(tmp_path) == ["5"]
        assert processes.contents(tmp_path / exporter.NAME / "5") == good
        shutil.rmtree(tmp_path / exporter.NAME)


@pytest.mark.stress
def test_who_polls_the_folder_sees_only_complete_versions(stress, tmp_path):
    """Polls as TensorFlow Serving does, which loads any folder with a numeric name."""
    count = 60 if stress else 6
    model_dir = pathlib.Path(tmp_path / exporter.NAME)
    seen = set()
    polls = 0
    running = []
    while len(seen) < count:
        polls += 1
        running = [process for process in running if process.poll() is None]
        if len(running) < 2 and len(seen) + len(running) < count:
            running.append(_start(tmp_path))
        names = os.listdir(model_dir) if model_dir.is_dir() else []
        for name in names:
            if name.isdigit() and name not in seen:
                assert checksums.problems(str(model_dir / name)) == []
                seen.add(name)
    for process in running:
        process.communicate()
    print(f"\n{count} versions seen in {polls} polls, each complete at first sight")


@pytest.mark.stress  # test_publish.py has the limit on file sizes
def test_a_full_file_system_leaves_nothing(tmp_path):
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(disk)]
    if os.geteuid() or subprocess.run(mount, capture_output=True).returncode:
        pytest.skip("a tmpfs can only be mounted by root; the limit on file sizes is tested")
    try:
        done = processes.run(
            "export.encoder", "--config", "tiny", "--export_dir", disk, cwd=tmp_path
        )
        assert "space" in processes.error(done)
        assert os.listdir(disk) == []
    finally:
        subprocess.run(["umount", str(disk)], check=True)
