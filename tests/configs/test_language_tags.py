"""Tags of languages are taken in the form of RFC 5646, and nothing else is."""

import pytest

from configs import errors, language_tags


# The examples of RFC 5646, appendix A, with language, script, region and variants.
@pytest.mark.parametrize(
    "tag",
    [
        "de",
        "zh-Hant",
        "sr-Latn",
        "zh-Hans-CN",
        "sl-rozaj",
        "de-CH-1901",
        "es-419",
        "hy-Latn-IT-arevela",
    ],
)
def test_examples_of_the_standard_are_taken_in_any_case(tag):
    assert language_tags.parse(tag) == (tag,)
    assert language_tags.parse(tag.upper()) == (tag,)


def test_a_model_may_have_several_languages():
    assert language_tags.parse("hi, ta,pt-br") == ("hi", "ta", "pt-BR")


@pytest.mark.parametrize(
    "text",
    ["", "english", "English", "e", "en_US", "en-", "-en", "en,,de", "de-419-DE", "a-DE", "en\n,x"],
)
def test_what_is_malformed_is_refused(text):
    with pytest.raises(errors.ConfigError, match="BCP 47"):
        language_tags.parse(text)


def test_a_tag_twice_is_refused():
    with pytest.raises(errors.ConfigError, match="twice"):
        language_tags.parse("pt-BR,pt-br")
