"""The README files are short enough to be read to the end, and nothing in them points nowhere."""

import tomllib
from pathlib import Path

import pytest

from tests.prose import anchors, docstrings, links, num_words, sentences

ROOT = Path(__file__).parents[1]
PAGES = [ROOT / name / "README.md" for name in ("", "runs", "plots")] + sorted((ROOT / "grok").rglob("README.md"))
IDS = [str(page.relative_to(ROOT).parent) for page in PAGES]


def test_the_readme_can_be_finished():
    assert len((ROOT / "README.md").read_text().splitlines()) <= 250


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_no_sentence_has_more_than_35_words(page):
    assert [sentence for sentence in sentences(page.read_text()) if num_words(sentence) > 35] == []


def test_no_sentence_of_a_docstring_has_more_than_35_words():
    texts = [(path, text) for path in sorted((ROOT / "grok").rglob("*.py")) for text in docstrings(path)]
    long = [(path.name, each) for path, text in texts for each in sentences(text) if num_words(each) > 35]
    assert len(texts) > 1_000
    assert long == []


@pytest.mark.parametrize("page", PAGES, ids=IDS)
def test_every_link_leads_somewhere(page):
    broken = []
    for link in links(page.read_text()):
        if "://" in link:
            continue
        name, _, anchor = link.partition("#")
        target = (page.parent / name).resolve() if name else page
        there = target.exists() and (not anchor or anchor in anchors(target.read_text()))
        if not there:
            broken.append(link)
    assert broken == []


@pytest.mark.parametrize("page", PAGES[1:], ids=IDS[1:])
def test_the_readme_leads_to_every_other_page(page):
    found, unread = {ROOT / "README.md"}, [ROOT / "README.md"]
    while unread:
        here = unread.pop()
        names = {(here.parent / link.partition("#")[0]).resolve() for link in links(here.read_text())}
        following = {name / "README.md" if name.is_dir() else name for name in names} & set(PAGES)
        unread += following - found
        found |= following
    assert page in found


def test_the_pages_inside_the_package_are_installed_with_it():
    package_data = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]
    installed = {path for pattern in package_data["grok"] for path in (ROOT / "grok").glob(pattern)}
    assert {page for page in PAGES if page.is_relative_to(ROOT / "grok")} <= installed
