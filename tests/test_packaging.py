"""The wheel has what an export needs: it is built, installed away from the checkout, and used."""

import os
import pathlib
import subprocess
import sys
import sysconfig
import zipfile

import pytest

from tests.support import processes


@pytest.fixture(scope="module")
def wheel(tmp_path_factory):
    """The wheel, built from a copy of what is tracked: a build writes beside its sources."""
    folder = tmp_path_factory.mktemp("wheel")
    source = folder / "source"
    for name in ("configs", "preprocess", "export"):
        _copy_tree(processes.REPOSITORY / name, source / name)
    for name in ("setup.cfg", "pyproject.toml", "README.md", "LICENSE"):
        (source / name).write_bytes((processes.REPOSITORY / name).read_bytes())
    # Without isolation: the build needs nothing but the setuptools that is installed.
    command = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps"]
    command += ["--no-build-isolation", "--wheel-dir", str(folder), str(source)]
    subprocess.run(command, check=True, capture_output=True, cwd=folder)
    (path,) = folder.glob("*.whl")
    return path


def _copy_tree(source, target):
    for path in source.rglob("*"):
        if path.is_file() and "__pycache__" not in path.parts:
            copy = target / path.relative_to(source)
            copy.parent.mkdir(parents=True, exist_ok=True)
            copy.write_bytes(path.read_bytes())


@pytest.fixture(scope="module")
def python(wheel, tmp_path_factory):
    """The interpreter of an environment with the wheel; dependencies are this environment's."""
    folder = tmp_path_factory.mktemp("environment")
    subprocess.run([sys.executable, "-m", "venv", "--without-pip", folder], check=True)
    interpreter = folder / "bin" / "python"
    (site_packages,) = (folder / "lib").glob("python*/site-packages")
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--no-deps", "--target"]
    subprocess.run([*command, str(site_packages), str(wheel)], check=True, capture_output=True)
    # Not as a .pth file's content would be read: an editable install of the checkout there stays
    # unseen.
    (site_packages / "dependencies.pth").write_text(sysconfig.get_path("purelib") + "\n")
    return interpreter


def _run(python, *arguments, cwd):
    environment = {k: v for k, v in os.environ.items() if k not in ("PYTHONPATH", "PYTHONHOME")}
    return subprocess.run(
        [str(python), *arguments], cwd=cwd, env=environment, capture_output=True, text=True
    )


def test_wheel_holds_the_packages_the_vocabulary_and_nothing_else(wheel):
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {name for name in tops if not name.endswith(".dist-info")} == {
        "configs",
        "preprocess",
        "export",
    }
    assert "configs/vocabulary/en_uncased_30k.model" in names
    assert {
        "export/release/site/templates/encoder.md.jinja",
        "export/release/site/templates/style.css",
    } <= set(names)
    modules = {
        path.relative_to(processes.REPOSITORY).as_posix()
        for package in ("configs", "preprocess", "export")
        for path in (processes.REPOSITORY / package).rglob("*.py")
    }
    assert modules <= set(names)


def test_installed_package_exports_from_another_folder(python, tmp_path):
    done = _run(python, "-c", "import export; print(export.__file__)", cwd=tmp_path)
    assert pathlib.Path(done.stdout).is_relative_to(python.parents[1]), done.stderr
    done = _run(python, "-m", "export.encoder", "--config", "tiny", "--nomlm", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert done.stdout == "exports/albert_en_tiny/1\n"
    assert (tmp_path / "exports/albert_en_tiny/1/assets/en_uncased_30k.model").is_file()
