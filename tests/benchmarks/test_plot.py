"""The plot is a picture that a browser draws: well-formed, everything inside, a line for each thing."""

from xml.etree import ElementTree

from benchmarks.plot import BOTTOM, LEFT, RIGHT, TOP, plot, relative_to_first

SVG = "{http://www.w3.org/2000/svg}"


def drawn(lines):
    return ElementTree.fromstring(plot("Cost & size", lines))  # noqa: S314 (our own)


def test_each_thing_has_a_line_and_says_what_it_costs_in_the_end():
    picture = drawn({"import <all>": [(10, 0.5), (100, 4.0), (1000, 45.0)], "index": [(10, 2.0), (100, 2.2)]})

    texts = [text.text for text in picture.iter(f"{SVG}text")]
    assert texts[0] == "Cost & size"
    assert [text for text in texts if ": " in text] == [
        "linear: grows with the rows",
        "import <all>: 90 at 100x",
        "index: 1.1 at 10x",
    ]
    points = [(float(dot.get("cx")), float(dot.get("cy"))) for dot in picture.iter(f"{SVG}circle")]
    assert len(points) == 5
    assert {LEFT <= x <= RIGHT and TOP <= y <= BOTTOM for x, y in points} == {True}


def test_linear_cost_lies_on_the_line_to_compare_with():
    picture = drawn({"straight": [(1, 3.0), (10, 30.0), (100, 300.0)]})

    paths = [path.get("d") for path in picture.iter(f"{SVG}path") if "L" in path.get("d")]
    straight_ends = [paths[1].split("L")[0], "M" + paths[1].split("L")[-1]]
    linear_ends = [paths[0].split("L")[0], "M" + paths[0].split("L")[-1]]
    assert straight_ends == linear_ends


def test_costs_are_relative_to_the_smallest():
    assert relative_to_first([(200, 3.0), (20, 2.0)]) == [(1, 1), (10, 1.5)]


def test_what_gets_cheaper_stays_in_the_picture():
    picture = drawn({"odd": [(1, 100.0), (10, 0.5)]})

    assert {TOP <= float(dot.get("cy")) <= BOTTOM for dot in picture.iter(f"{SVG}circle")} == {True}
