"""The pages of a release in a real browser: on a phone and on a desktop, over the real server."""

import urllib.request

import pytest

from tests.support import axe, browser, sampling, sites, web_server

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
    "org/my_albert_with_a_long_name_classify/1",
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
    classify = sites.text_model("classify")
    classify["made_from"]["encoder"]["language"] = ["hi", "ta"]
    site.add("org/my_albert_with_a_long_name_classify/1", classify)
    site.write()
    (site.root / "SHA256SUMS").touch()
    with web_server.nginx(site.root, folder=folder) as base_url:
        site.write(base_url=base_url)
        yield base_url


@pytest.fixture(scope="module")
def chromium():
    with browser.chromium() as chromium:
        yield chromium


def _open(chromium, url, *, width=360, **options):
    """Returns the page, on a phone or on a desktop."""
    page = chromium.new_page(
        viewport={"width": width, "height": 740}, is_mobile=width < 600, **options
    )
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
    assert len(digests) == 5 and {len(digest) for digest in digests} == {64}


_TITLE_LINES = """
Array.from(document.querySelectorAll("h1 .part"), (part) => {
  const range = document.createRange();
  range.selectNodeContents(part);
  const tops = Array.from(range.getClientRects(), (rectangle) => Math.round(rectangle.top));
  return [part.textContent, new Set(tops).size];
})
"""


def test_a_title_breaks_after_the_publisher_or_between_words(server, chromium):
    page = _open(chromium, f"{server}/org/albert_en_xxlarge/10")
    assert page.evaluate(_TITLE_LINES) == [["org/", 1], ["albert_en_xxlarge/10", 1]]
    page = _open(chromium, f"{server}/org/my_albert_with_a_long_name_classify/1")
    lines = page.evaluate("document.querySelector('h1').innerText").split()
    assert "".join(lines) == "org/my_albert_with_a_long_name_classify/1"
    assert dict(page.evaluate(_TITLE_LINES))["my_albert_with_a_long_name_classify/1"] > 1
    page.evaluate("document.querySelectorAll('wbr').forEach((element) => element.remove())")
    # The same without places to break would be cut within words.
    assert page.evaluate("document.documentElement.scrollWidth") <= 360


@sampling.parametrize("scheme", ["light", "dark"], sample=["dark"])
def test_code_that_is_cut_shows_it_and_scrolls_by_keyboard(server, chromium, scheme):
    page = _open(chromium, f"{server}/org/albert_en_xxlarge/10", color_scheme=scheme)
    code = page.locator("pre", has_text="LinearWarmup")
    assert code.evaluate("(pre) => pre.scrollWidth > pre.clientWidth")
    code.evaluate("(pre) => { pre.firstElementChild.style.color = 'transparent'; }")
    code.scroll_into_view_if_needed()
    box = code.bounding_box()

    def edge(left):
        x = box["x"] + (2 if left else box["width"] - 8)
        return page.screenshot(clip={"x": x, "y": box["y"] + 20, "width": 6, "height": 20})

    at_start = edge(left=True), edge(left=False)
    assert at_start[0] != at_start[1]  # the shade is only where there is more
    code.focus()
    code.evaluate("(pre) => { pre.style.outline = 'none'; }")
    page.keyboard.press("ArrowRight")
    page.evaluate(_SCROLLED)
    code.evaluate("(pre) => { pre.scrollLeft = pre.scrollWidth; }")
    assert edge(left=False) == at_start[0]
    assert edge(left=True) != at_start[0]


# The Content-Security-Policy forbids `wait_for_function`.
_SCROLLED = """
new Promise((resolve) => {
  const look = () =>
    document.activeElement.scrollLeft > 0 ? resolve() : requestAnimationFrame(look);
  look();
})
"""


def _shown(page):
    return page.evaluate(
        "Array.from(document.querySelectorAll('article:not([hidden]) h3'), (e) => e.textContent)"
    )


def test_the_index_is_searched_by_words_task_language_format_and_size(server, chromium):
    page = _open(chromium, f"{server}/", width=1280)
    everything = _shown(page)
    assert len(everything) == 5
    assert page.get_by_role("status").inner_text() == "5 of 5 models"
    page.get_by_label("Words").fill("LARGE org")
    assert _shown(page) == ["org/albert_en_large", "org/albert_en_xxlarge"]
    page.get_by_label("Format").select_option("onnx")
    assert _shown(page) == ["org/albert_en_xxlarge"]
    assert not page.get_by_role("heading", name="Preprocessors").is_visible()
    # The address keeps it.
    page.reload()
    assert _shown(page) == ["org/albert_en_xxlarge"]
    assert page.get_by_label("Words").input_value() == "LARGE org"
    page.get_by_label("Words").fill("nothing")
    assert page.get_by_role("status").inner_text() == "0 of 5 models"
    page.goto(f"{server}/?task=text-classification&size=nonsense&other=1")
    classify = "org/my_albert_with_a_long_name_classify"
    assert _shown(page) == [classify]
    page.goto(f"{server}/")
    page.get_by_label("Language").select_option(label="Tamil (ta)")
    assert _shown(page) == [classify]
    page.get_by_label("Language").select_option("")
    assert _shown(page) == everything


def test_without_scripts_the_index_is_a_list(server, chromium):
    page = _open(chromium, f"{server}/?words=nothing", java_script_enabled=False)
    assert page.locator("article").filter(visible=True).count() == 5
    assert page.get_by_label("Words").filter(visible=True).count() == 0


@pytest.mark.stress
@pytest.mark.parametrize("path", _PATHS)
def test_everything_is_reached_by_keyboard_and_shows_the_focus(server, chromium, path):
    page = _open(chromium, f"{server}/{path}", width=1280)
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.getBoundingClientRect().height") > 10
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.tagName") == "MAIN"
    page.goto(f"{server}/{path}")
    wanted = "a, input, select, pre, .table"
    count = page.evaluate(f"document.querySelectorAll('{wanted}').length")
    reached = set()
    for _ in range(count):
        page.keyboard.press("Tab")
        number, outline, inside = page.evaluate(
            f"""[
              Array.from(document.querySelectorAll("{wanted}")).indexOf(document.activeElement),
              getComputedStyle(document.activeElement).outlineStyle,
              document.activeElement.getBoundingClientRect().top < window.innerHeight,
            ]"""
        )
        assert (outline, inside) == ("solid", True)
        reached.add(number)
    assert reached == set(range(count))


@pytest.mark.stress
@axe.needs_npm
@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", [360, 1280])
@pytest.mark.parametrize("path", _PATHS)
def test_axe_finds_nothing(server, chromium, path, width, scheme):
    page = _open(chromium, f"{server}/{path}", width=width, color_scheme=scheme)
    assert axe.violations(page) == []


@pytest.mark.stress
@axe.needs_npm
def test_axe_finds_what_is_wrong(server, chromium):
    page = _open(chromium, f"{server}/")
    page.evaluate("document.documentElement.removeAttribute('lang')")
    assert [one["rule"] for one in axe.violations(page)] == ["html-has-lang"]
