"""The project's distributions, and an environment with the wheel, away from the checkout.

subprocess.run([installed.python(), "-m", "export.encoder", "--config", "tiny"], cwd=folder)
"""

import pathlib
import subprocess
import sys
import sysconfig

from tests.support import processes, shared_run

PACKAGES = ("configs", "preprocess", "export")


_FILES = ("setup.cfg", "pyproject.toml", "MANIFEST.in", "README.md", "CHANGELOG.md", "LICENSE")


def sdist() -> pathlib.Path:
    """Returns the source distribution."""
    (path,) = _distributions().glob("*.tar.gz")
    return path


def wheel() -> pathlib.Path:
    """Returns the wheel, which is built from the source distribution."""
    (path,) = _distributions().glob("*.whl")
    return path


def _distributions() -> pathlib.Path:
    """Returns the folder of both, built from a copy: a build writes beside its sources."""

    def build(folder: pathlib.Path) -> pathlib.Path:
        source = folder / "source"
        for name in PACKAGES:
            _copy_tree(processes.REPOSITORY / name, source / name)
        # A test as well, which must not be in them.
        (source / "tests").mkdir()
        for name in (*_FILES, "tests/test_packaging.py"):
            (source / name).write_bytes((processes.REPOSITORY / name).read_bytes())
        # Without isolation: the setuptools that is installed, of any version, does it.
        command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder)]
        command += ["--skip-dependency-check", str(source)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        return folder

    return shared_run.once("distributions", build)


def python() -> pathlib.Path:
    """Returns the interpreter of an environment with the wheel; the rest is this environment's."""

    def install(folder: pathlib.Path) -> pathlib.Path:
        subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
        (site_packages,) = (folder / "lib").glob("python*/site-packages")
        command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
        command += [str(site_packages), str(wheel())]
        subprocess.run(command, check=True, capture_output=True)
        # Not as a .pth file's content would be read: an editable install of the checkout there
        # stays unseen.
        dependencies = site_packages / "dependencies.pth"
        dependencies.write_text(sysconfig.get_path("purelib") + "\n")
        return folder / "bin" / "python"

    return shared_run.once("installed", install)


def _copy_tree(source: pathlib.Path, target: pathlib.Path) -> None:
    for path in source.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())
