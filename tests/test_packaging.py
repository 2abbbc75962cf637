"""The wheel has what an export needs: it is built, installed away from the checkout, and used."""

import configparser
import pathlib
import re
import subprocess
import tarfile
import zipfile

from packaging import requirements, utils

import configs
from tests.support import elsewhere, installed, processes


def test_wheel_holds_the_packages_the_vocabulary_and_nothing_else():
    with zipfile.ZipFile(installed.wheel()) as archive:
        names = archive.namelist()
    tops = {name.split("/")[0] for name in names}
    assert {name for name in tops if not name.endswith(".dist-info")} == set(installed.PACKAGES)
    assert "configs/vocabulary/en_uncased_30k.model" in names
    assert {
        "export/release/site/templates/encoder.md.jinja",
        "export/release/site/templates/style.css",
    } <= set(names)
    modules = {
        path.relative_to(processes.REPOSITORY).as_posix()
        for package in installed.PACKAGES
        for path in (processes.REPOSITORY / package).rglob("*.py")
    }
    assert modules <= set(names)


def test_source_distribution_holds_the_packages_the_changelog_and_no_tests():
    with tarfile.open(installed.sdist()) as archive:
        names = {pathlib.PurePath(*pathlib.PurePath(name).parts[1:]) for name in archive.getnames()}
    folders = {name.parts[0] for name in names if len(name.parts) > 1}
    assert folders == {*installed.PACKAGES, "albert_hub_export.egg-info"}
    assert {pathlib.PurePath("CHANGELOG.md"), pathlib.PurePath("LICENSE")} <= names


def test_changelog_has_the_version_with_its_date():
    headings = (processes.REPOSITORY / "CHANGELOG.md").read_text(encoding="utf-8")
    assert re.search(rf"^## {re.escape(configs.__version__)} - \d{{4}}-\d\d-\d\d$", headings, re.M)


def test_installed_package_is_not_the_checkout_and_exports(tmp_path):
    python = installed.python()
    printed = subprocess.run(
        [python, "-Ic", "import export; print(export.__file__)"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=True,
    ).stdout
    assert pathlib.Path(printed).is_relative_to(python.parents[1])
    assert (elsewhere.exported("encoder") / "assets" / "en_uncased_30k.model").is_file()


def test_the_locked_requirements_of_releases_satisfy_setup_cfg_and_have_digests():
    lines = (processes.REPOSITORY / "requirements/release.txt").read_text().replace("\\\n", "")
    locked = {}
    for line in lines.splitlines():
        if line and not line.lstrip().startswith("#"):
            name, _, version = line.split()[0].partition("==")
            locked[utils.canonicalize_name(name)] = version
            assert " --hash=sha256:" in line, name
    config = configparser.ConfigParser()
    config.read(processes.REPOSITORY / "setup.cfg")
    extras = config["options.extras_require"]
    asked = [config["options"]["install_requires"], extras["release"], extras["hf"]]
    wanted = [line for text in asked for line in text.splitlines() if line.strip("# ")]
    for line in wanted:
        if not line.startswith("#"):
            needed = requirements.Requirement(line)
            version = locked[utils.canonicalize_name(needed.name)]
            assert needed.specifier.contains(version), line
