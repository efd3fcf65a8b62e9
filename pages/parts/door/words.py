"""What is answered at the door: a page that says how one comes in, and holds nothing of the lab."""

from __future__ import annotations

from html import escape

from starlette.requests import HTTPConnection
from starlette.responses import HTMLResponse, PlainTextResponse, Response

SHUT = "X-Facet-Door"  # header of each answer that comes from the door and not from the lab
HEADERS = {
    SHUT: "shut",
    "Cache-Control": "no-store",
    "Referrer-Policy": "no-referrer",
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'",
}
STYLE = """:root{color-scheme:light dark;--ground:#fcfcfa;--ink:#1f2428;--line:#d9dcd6;--accent:#0b6e8f;--on:#fff}
@media (prefers-color-scheme:dark){:root{--ground:#14181b;--ink:#e4e7e8;--line:#343c42;--accent:#4fb3d3;--on:#14181b}}
body{margin:0;background:var(--ground);color:var(--ink);font:16px/1.55 system-ui,sans-serif}
main{max-width:34rem;margin:14vh auto;padding:0 1.5rem}h1{font-size:1.5rem;line-height:1.25;margin:0 0 1rem}
p{margin:0 0 1rem;overflow-wrap:anywhere}code{font:0.92em ui-monospace,monospace;border:1px solid var(--line);
border-radius:4px;padding:0.1em 0.35em;white-space:pre-wrap;display:inline-block}small{opacity:.75;letter-spacing:.02em}
a.go{display:inline-block;background:var(--accent);color:var(--on);text-decoration:none;border-radius:6px;
padding:0.5rem 1.1rem;margin:0 0.6rem 0.4rem 0}a.go:focus-visible{outline:3px solid var(--ink);outline-offset:2px}"""


def page(
    asked: HTTPConnection,
    title: str,
    paragraphs: list[str],
    *,
    links: list[tuple[str, str]] | None = None,
    status: int = 403,
    again: bool = False,
    headers: dict[str, str] | None = None,
) -> Response:
    """An answer at the door: HTML for a browser that opens a page, else plain text.

    paragraphs: text; what stands in backticks is shown as code. links: (label, address) of what one can do.
    again: the browser asks once more by itself, from this page.
    """
    answer = HEADERS | (headers or {})
    if "text/html" not in asked.headers.get("accept", ""):
        text = "\n".join((title, *(paragraph.replace("`", "") for paragraph in paragraphs)))
        return PlainTextResponse(f"{text}\n", status, answer)
    body = "".join(f"<p>{_with_code(paragraph)}</p>" for paragraph in paragraphs)
    body += "".join(f'<a class="go" href="{escape(to)}">{escape(label)}</a>' for label, to in links or [])
    refresh = '<meta http-equiv="refresh" content="0">' if again else ""
    html = (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8">{refresh}'
        f"<title>{escape(title)} · Facet Lab</title>"
        '<meta name="viewport" content="width=device-width,initial-scale=1"><meta name="robots" content="noindex">'
        f"<style>{STYLE}</style></head><body><main><small>Facet Lab</small><h1>{escape(title)}</h1>{body}</main></body>"
        "</html>"
    )
    return HTMLResponse(html, status, answer)


def another_origin(asked: HTTPConnection) -> Response:
    """A page of another server asked."""
    text = (
        "This was asked by a page that is not one of this lab. Behind a web server, that server has to pass on the name"
    )
    return page(asked, "Not from here", [f"{text} under which the lab was opened: `proxy_set_header Host $http_host;`"])


def _with_code(paragraph: str) -> str:
    pieces = escape(paragraph).split("`")
    return "".join(f"<code>{piece}</code>" if n % 2 else piece for n, piece in enumerate(pieces))
