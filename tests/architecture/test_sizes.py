"""Modules and functions stay small enough to be read in one sitting (docs/architecture.md)."""

from __future__ import annotations

from statistics import median, quantiles

from sources import code_lines, functions, module_name, modules

MODULE_MAX = 300
MODULE_MEDIAN = 120
FUNCTION_MAX = 60
FUNCTION_P95 = 40

# Each is one call with many options, and its docstring says what each of them does.
LONG_BY_DOCSTRING = {
    "lrwatch.recording.opening.open_run",
    "lrwatch.range_testing.sweeping.range_test",
    "lrwatch.recording.run.record",
    "lrwatch.recording.watcher.watch",
}


def function_lengths() -> dict[str, int]:
    return {
        f"{module_name(path)}.{name}": length
        for path in modules()
        for name, length in functions(path)
    }


def test_no_module_is_long() -> None:
    lengths = {module_name(path): code_lines(path) for path in modules()}
    assert not {name: length for name, length in lengths.items() if length > MODULE_MAX}


def test_most_modules_are_much_shorter() -> None:
    assert median(code_lines(path) for path in modules()) <= MODULE_MEDIAN


def test_no_function_is_long() -> None:
    long = {name: length for name, length in function_lengths().items() if length > FUNCTION_MAX}
    assert not {name: length for name, length in long.items() if name not in LONG_BY_DOCSTRING}


def test_most_functions_are_much_shorter() -> None:
    assert quantiles(function_lengths().values(), n=20)[-1] <= FUNCTION_P95
