"""What axe-core finds on a page."""

from axe_playwright_python.sync_playwright import Axe

from tests.support.browser import Page

# WCAG 2.2, levels A and AA.
RULES = {"runOnly": ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]}


def violations(page: Page) -> list[str]:
    """What breaks WCAG on the page as it is."""
    found = Axe().run(page.tab, options=RULES).response["violations"]
    return [
        f"{violation['id']}: {node['html']}" for violation in found for node in violation["nodes"]
    ]
