"""The pages of a release in a real browser: on a phone and on a desktop, over the real server."""

import urllib.request

import pytest

from tests.support import browser, sampling, sites, web_server

pytestmark = [browser.needs_chromium, web_server.needs_nginx]

# Elements wider than the window, except those inside an element that scrolls.
_TOO_WIDE = """
Array.from(document.querySelectorAll("body *"))
  .filter((element) => !element.parentElement.closest("pre, .table"))
  .filter((element) => element.getBoundingClientRect().right > window.innerWidth)
  .map((element) => element.outerHTML.slice(0, 80))
"""
_PATHS = (
    "",
    "org/albert_en_xxlarge/10",
    "org/albert_en_preprocess/3",
    "org/collections/albert/1",
    "org/",
)


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    folder = tmp_path_factory.mktemp("website")
    site = sites.Site(folder / "dist")
    for size in ("base", "large", "xxlarge"):
        tarball = site.add(f"org/albert_en_{size}/9", sites.encoder(size))
        tarball.with_name("9.intoto.json").touch()
    site.add("org/albert_en_xxlarge/10", sites.encoder("xxlarge", parameters=222_595_584))
    for label in ("onnx", "huggingface"):
        site.convert("org/albert_en_xxlarge/10", label)
    site.add("org/albert_en_preprocess/3", sites.preprocessor())
    site.write()
    (site.root / "SHA256SUMS").touch()
    with web_server.nginx(site.root, folder=folder) as base_url:
        site.write(base_url=base_url)
        yield base_url


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as chromium:
        yield chromium


def _open(chromium, url, *, width=360):
    """Returns the page, on a phone or on a desktop."""
    page = chromium.new_page(viewport={"width": width, "height": 740}, is_mobile=width < 600)
    page.goto(url)
    return page


@sampling.parametrize(
    ("path", "width"),
    [(path, width) for path in _PATHS for width in (360, 1280)],
    sample=[("", 1280), *((path, 360) for path in _PATHS[1:3])],
)
def test_nothing_stands_out_of_the_window(server, chromium, path, width):
    page = _open(chromium, f"{server}/{path}", width=width)
    assert page.evaluate("window.innerWidth") == width
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    assert page.evaluate(_TOO_WIDE) == []
    heights = "Array.from(document.querySelectorAll('th, td')).map((cell) => cell.clientHeight)"
    assert max(page.evaluate(heights), default=0) < 120  # words are not cut into letters
    # The Content-Security-Policy allows the style sheet, and the text is legible.
    assert page.evaluate("getComputedStyle(document.body).maxWidth") == "1152px"
    assert page.evaluate("parseFloat(getComputedStyle(document.body).fontSize)") >= 16


@sampling.parametrize("path", _PATHS, sample=("", "org/albert_en_preprocess/3"))
def test_every_link_answers(server, chromium, path):
    page = _open(chromium, f"{server}/{path}")
    links = page.evaluate("Array.from(document.links).map((link) => link.href)")
    own = {link.partition("#")[0] for link in links if link.startswith(server)}
    assert len(own) >= 3
    for link in own:
        with urllib.request.urlopen(link) as response:
            assert response.status == 200


def test_index_shows_every_model(server, chromium):
    page = _open(chromium, f"{server}/")
    text = page.evaluate("document.body.innerText")
    for fact in (
        "org/albert_en_base",
        "org/albert_en_preprocess",
        "222,595,584",
        "12 layers, width 4096",
    ):
        assert fact in text
    digests = page.evaluate(
        "Array.from(document.querySelectorAll('.digest code')).map((code) => code.innerText)"
    )
    assert len(digests) == 4 and {len(digest) for digest in digests} == {64}
