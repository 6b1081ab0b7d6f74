"""The line of a key is where it stands, whatever strings, comments and lists stand before it."""

from grok.sweep.lines import key_lines, nearest_line

TEXT = '''# [no]
a = "x # [no] = 1"
b = """
c = 1
"""
d = [
  # e = 2
  "]", {f = 3},
]
  "g.h" . i = \'\'\'
j = 4 \'\'\'
[k.l]  # a comment
m = 'n = 5'
[[o]]
p = 6
[o.q]
r.s = 7
[[o]]
[[o.t]]
u = "\\" # v = 8"
[[o.t]]
u = 9
'''


def test_each_key_has_its_line_and_text_that_looks_like_one_has_none():
    assert key_lines(TEXT) == {
        ("a",): 2,
        ("b",): 3,
        ("d",): 6,
        ("g.h", "i"): 10,
        ("k", "l"): 12,
        ("k", "l", "m"): 13,
        ("o", 0): 14,
        ("o", 0, "p"): 15,
        ("o", 0, "q"): 16,
        ("o", 0, "q", "r", "s"): 17,
        ("o", 1): 18,
        ("o", 1, "t", 0): 19,
        ("o", 1, "t", 0, "u"): 20,
        ("o", 1, "t", 1): 21,
        ("o", 1, "t", 1, "u"): 22,
    }


def test_a_key_without_a_line_has_that_of_what_holds_it():
    lines = key_lines("base = {task = {modulus = 11}}\n[axes]\ntask.modulus = [3]\n")
    assert nearest_line(lines, ("base", "task", "modulus")) == 1
    assert nearest_line(lines, ("axes", "task", "modulus")) == 3
    assert nearest_line(lines, ("axes", "task")) == 3
    assert nearest_line(lines, ("nowhere",)) == 1
