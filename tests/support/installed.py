"""The project's wheel, and an environment in which it is installed, away from the checkout.

subprocess.run([installed.python(), "-m", "export.encoder", "--config", "tiny"], cwd=folder)
"""

import pathlib
import subprocess
import sys
import sysconfig

from tests.support import processes, shared_run

PACKAGES = ("configs", "preprocess", "export")


def wheel() -> pathlib.Path:
    """Returns the wheel, built from a copy: a build writes beside its sources."""

    def build(folder: pathlib.Path) -> pathlib.Path:
        source = folder / "source"
        for name in PACKAGES:
            _copy_tree(processes.REPOSITORY / name, source / name)
        for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
            (source / name).write_bytes((processes.REPOSITORY / name).read_bytes())
        # Without isolation: the build needs nothing but the setuptools that is installed.
        command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
        command += ["--no-build-isolation", "--wheel-dir", str(folder), str(source)]
        subprocess.run(command, check=True, capture_output=True, cwd=folder)
        (path,) = folder.glob("*.whl")
        return path

    return shared_run.once("wheel", build)


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
