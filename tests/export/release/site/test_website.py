"""The pages of a release depend only on its tarballs, and link only to each other."""

import os
import re
import subprocess
import urllib.parse

import pytest

from configs import errors
from export.release.site import website
from tests.support import processes, sites

MODELS = {
    "org/albert_en_base/9": sites.encoder("base"),
    "org/albert_en_base/10": sites.encoder("base"),
    "org/albert_en_large/3": sites.encoder("large"),
    "org/albert_en_preprocess/3": sites.preprocessor(),
}


def release(folder):
    site = sites.Site(folder / "dist")
    for handle, artifact in MODELS.items():
        site.add(handle, artifact)
    site.convert("org/albert_en_large/3", "onnx")
    site.convert("org/albert_en_large/3", "huggingface")
    return site


def pages(site):
    return {path: sites.Page(path.read_text()) for path in site.root.rglob("*.html")}


def test_every_version_has_its_pages_where_the_format_wants_them(tmp_path):
    site = release(tmp_path)
    site.write()
    found = {path.relative_to(site.root).as_posix() for path in site.root.rglob("*.md")}
    assert found == {
        *(f"{handle}.md" for handle in MODELS),
        "org/collections/albert/1.md",
        "org/org.md",
    }
    assert {path.replace(".md", ".html") for path in found} <= set(processes.contents(site.root))


def test_a_page_in_html_has_the_sections_and_code_of_the_one_in_markdown(tmp_path):
    site = release(tmp_path)
    site.write()
    for path in site.root.rglob("*.md"):
        markdown, html = path.read_text(), path.with_suffix(".html").read_text()
        sections = re.findall("^##+ (.+)$", markdown, re.M)
        assert sections
        assert re.findall("<h[23] id=.+>(.+)</h[23]>", html) == sections
        assert html.count("<pre ") == markdown.count("```") / 2
        assert "&lt;!--" not in html  # tags are not shown as comments


def test_the_same_tarballs_give_the_same_bytes(tmp_path):
    sites_of = [release(tmp_path / name) for name in ("one", "other")]
    for site in sites_of:
        site.write()
    one, other = (processes.contents(site.root) for site in sites_of)
    assert one == other
    assert not [name for name in one if "tmp" in name]


def test_writing_again_changes_no_file_and_no_time(tmp_path):
    site = release(tmp_path)
    site.write()
    before = {path: os.stat(path) for path in site.root.rglob("*") if path.is_file()}
    site.write()
    after = {path: os.stat(path) for path in site.root.rglob("*") if path.is_file()}
    assert before.keys() == after.keys()
    assert {path: stat.st_mtime_ns for path, stat in before.items()} == {
        path: stat.st_mtime_ns for path, stat in after.items()
    }


def test_what_a_killed_release_left_is_gone(tmp_path):
    clean, killed = release(tmp_path / "clean"), release(tmp_path / "killed")
    clean.write()
    for path in ("org/albert_en_base/.10.md.tmp", "org/albert_en_base/.latest.tgz.tmp"):
        (killed.root / path).write_bytes(b"half")
    killed.write()
    assert processes.contents(killed.root) == processes.contents(clean.root)


def test_the_latest_version_is_the_highest_number(tmp_path):
    site = release(tmp_path)
    site.write()
    folder = site.root / "org" / "albert_en_base"
    assert (folder / "latest.tgz").read_bytes() == (folder / "10.tar.gz").read_bytes()
    assert (folder / "index.html").read_bytes() == (folder / "10.html").read_bytes()
    assert "9.html" in site.text("index.html")
    site.add("org/albert_en_base/11", sites.encoder("base", heads=["mlm"]))
    site.write()
    assert (folder / "latest.tgz").read_bytes() == (folder / "11.tar.gz").read_bytes()
    assert (folder / "index.html").read_bytes() == (folder / "11.html").read_bytes()


def test_latest_is_copied_where_a_file_can_have_one_name_only(tmp_path, monkeypatch):
    def refuse(source, target):
        raise PermissionError(1, "Operation not permitted")

    monkeypatch.setattr(os, "link", refuse)
    site = release(tmp_path)
    site.write()
    site.write()
    folder = site.root / "org" / "albert_en_base"
    assert (folder / "latest.tgz").read_bytes() == (folder / "10.tar.gz").read_bytes()


def test_pages_refer_to_files_that_are_there_and_need_nothing_from_elsewhere(tmp_path):
    site = release(tmp_path)
    site.write()
    (site.root / "SHA256SUMS").touch()  # written last, over all of these
    for path, page in pages(site).items():
        assert not {"img", "iframe", "form", "object"} & set(page.tags)
        assert page.tags.count("script") == (path == site.root / "index.html")
        for link in page.links:
            parts = urllib.parse.urlsplit(link)
            if link.startswith("#"):
                assert page.anchors.count(parts.fragment) == 1, f"{path}: {link}"
            elif parts.scheme:
                assert parts.scheme == "https"
                assert not link.startswith(sites.BASE_URL)
            else:
                assert (path.parent / parts.path).is_file(), f"{path}: {link}"


def test_index_names_every_model_with_its_size_digest_and_page(tmp_path):
    site = release(tmp_path)
    tarball = site.add("org/albert_en_large/3", sites.encoder("large"))
    for suffix in (".intoto.json", ".sig"):
        tarball.with_name("3" + suffix).touch()
    site.write()
    index = sites.Page(site.text("index.html"))
    sha256sum = subprocess.run(["sha256sum", tarball], capture_output=True, check=True, text=True)
    digest = sha256sum.stdout.split()[0]
    for fact in ("org/albert_en_large", "1,234,567", "24 layers, width 1024, 16 heads", digest):
        assert fact in index.text
    for suffix in (".html", ".tar.gz", ".intoto.json", ".sig"):
        assert f"org/albert_en_large/3{suffix}" in index.links
    assert "org/albert_en_base/10.intoto.json" not in index.links


def test_index_names_the_formats_of_a_model_with_their_tarballs(tmp_path):
    site = release(tmp_path)
    site.write()
    index = sites.Page(site.text("index.html"))
    assert "formatsonnx, huggingface" in " ".join(index.text.split())
    assert index.text.count("formats") == 1  # nothing of the models without
    for label in ("onnx", "huggingface"):
        assert f"org/albert_en_large-{label}/3.tar.gz" in index.links
    # A conversion is not a model by itself.
    assert "org/albert_en_large-onnx" not in index.text


def test_index_has_the_models_of_all_publishers(tmp_path):
    site = release(tmp_path)
    site.add("other/albert/1", sites.encoder("base"))
    site.write()
    site.write(publisher="other")
    assert {"org/albert_en_base/10.html", "other/albert/1.html"} <= set(
        sites.Page(site.text("index.html")).links
    )


@pytest.mark.parametrize(
    "address", ["models.example.org", "https://", 'https://x/"; rm', "ftp://x", "https://x/\n", ""]
)
def test_handles_must_begin_with_an_address(address):
    with pytest.raises(errors.ReleaseError, match="--base_url"):
        website.check(address)


@pytest.mark.parametrize(
    "address", ["http://127.0.0.1:8500", "https://models.example.org/", "https://[::1]:80/a/b-c"]
)
def test_an_address_may_have_a_port_and_folders(address):
    website.check(address)


@pytest.mark.parametrize("damage", ["cut", "cut header", "no manifest", "no artifact", "no gzip"])
def test_a_tarball_that_is_none_of_ours_is_named(tmp_path, damage):
    site = release(tmp_path)
    if damage == "no artifact":
        path = site.add("org/broken/1", {"artifact": "poem"})
    elif damage == "no manifest":
        (tmp_path / "empty").mkdir()
        path = site.add("org/broken/1", tmp_path / "empty")
    else:
        path = site.add("org/broken/1", sites.encoder("base"))
        lengths = {"cut": 100, "cut header": 3}
        path.write_bytes(path.read_bytes()[: lengths[damage]] if "cut" in damage else b"nonsense")
    with pytest.raises(errors.VerificationError, match=r"org/broken/1\.tar\.gz"):
        site.write()


def test_what_has_not_the_name_of_a_version_is_ignored(tmp_path):
    site = release(tmp_path)
    for name in ("org/a/03.tar.gz", "org/a/x.tar.gz", "org/1.tar.gz", ".work/org/a/1.tar.gz"):
        path = site.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(b"nonsense")
    site.write()
    assert "org/a/" not in site.text("index.html")


def test_pages_are_written_without_tensorflow(tmp_path):
    site = release(tmp_path)
    code = "from export.release.site import website; "
    code += f"website.write({str(site.root)!r}, publisher='org', base_url='https://example.org/')"
    environment = processes.environment(without_tensorflow=True)
    done = processes.python("-c", code, cwd=tmp_path, env=environment)
    assert done.returncode == 0, done.stderr
    assert 'hub.load("https://example.org/org/albert_en_large/3")' in site.text(
        "org/albert_en_large/3.md"
    )


def test_a_release_without_the_libraries_for_pages_says_so_before_any_work(tmp_path):
    (tmp_path / "jinja2.py").write_text("raise ModuleNotFoundError(\"No module named 'jinja2'\")")
    environment = processes.environment(without_tensorflow=True)
    environment["PYTHONPATH"] = os.pathsep.join([str(tmp_path), environment["PYTHONPATH"]])
    options = ("--configs", "tiny", "--publisher", "org")
    done = processes.run("export.release", *options, cwd=tmp_path, env=environment)
    last = processes.error(done)
    assert last.startswith("No module named 'jinja2': pip install 'Jinja2>=3.1' 'markdown-it-py")
    assert not (tmp_path / "dist").exists()
