"""What every page of the dashboard is asked in the browser: axe's findings, and its width."""

from __future__ import annotations

from sources import ROOT

__all__ = ["AXE", "SERIOUS", "SIDEWAYS"]

AXE = ROOT / "tests" / "support" / "vendor" / "axe-4.14.1.min.js"
SERIOUS = """async () => {
    const runOnly = ['wcag2a', 'wcag2aa', 'wcag21aa'];
    const found = await axe.run(document, {runOnly, resultTypes: ['violations']});
    return found.violations
        .filter(problem => ['serious', 'critical'].includes(problem.impact))
        .map(p => p.id + ': ' + p.nodes.slice(0, 3).map(n => n.target.join(' ')).join(' | '));
}"""
SIDEWAYS = "() => document.documentElement.scrollWidth - window.innerWidth"
