"""What a server answers, described for programs (OpenAPI 3.1) and for people (one page without scripts of others)."""

from __future__ import annotations

from html import escape
from typing import Any

from core.export.runtime.command import NO_YES
from core.export.runtime.guard import MB, Limits
from core.export.runtime.package_folder import PackageFolder

STATUS = {
    "400": "The body or form cannot be read, or is empty.",
    "401": "The token is missing or wrong.",
    "408": "The body stopped coming.",
    "413": "More bytes or photos than one request may hold.",
    "422": "None of the photos could be read.",
    "503": "Too much waits; ask again after Retry-After seconds.",
}
PAGE = """<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>{name}</title>
<style>
:root {{ color-scheme: light dark; }}
body {{ font: 16px/1.5 system-ui, sans-serif; max-width: 46rem; margin: 2rem auto; padding: 0 1rem; }}
pre {{ overflow-x: auto; padding: .75rem; border: 1px solid #8886; border-radius: 6px; }}
td, th {{ text-align: left; padding: .2rem 1rem .2rem 0; vertical-align: top; }}
</style>
<h1>{name}</h1>
<p>{network}, {folds}, {classes} {what}. <a href="card">Model card</a> · <a href="openapi.json">OpenAPI</a> ·
<a href="metrics">Metrics</a></p>
<h2>Try it</h2>
<form id="try"><input type="file" name="photos" accept="image/*" multiple required>
<label>Token <input name="token" type="password" autocomplete="off"></label> <button>Answer</button></form>
<pre id="answer" aria-live="polite">The answer comes here.</pre>
<h2>From programs</h2>
<pre>curl -F photos=@a.jpg -F photos=@b.jpg ADDRESS/predict{header}
curl --data-binary @a.jpg ADDRESS/predict{header}</pre>
<p>At most {photos} photos and {body} MB a request. Errors are JSON:
<code>{{"error": {{"kind", "message", "remedy"}}}}</code>; a photo that cannot be read has one in its place, and the
others are answered.</p>
<table><tr><th>status</th><th>when</th></tr>{rows}</table>
<script>
for (const pre of document.querySelectorAll("pre"))
  pre.textContent = pre.textContent.replaceAll("ADDRESS", location.origin);
document.getElementById("try").addEventListener("submit", async (event) => {{
  event.preventDefault();
  const form = new FormData(event.target), token = form.get("token"), out = document.getElementById("answer");
  form.delete("token");
  out.textContent = "…";
  try {{
    const headers = token ? {{ Authorization: "Bearer " + token }} : {{}};
    const answer = await fetch("predict", {{ method: "POST", body: form, headers }});
    out.textContent = JSON.stringify(await answer.json(), null, 2);
  }} catch (error) {{ out.textContent = String(error); }}
}});
</script></html>
"""


def openapi(package: PackageFolder, limits: Limits) -> dict[str, Any]:
    """An OpenAPI 3.1 description."""
    said = ("kind", "message", "remedy")
    fault = {"type": "object", "required": list(said), "properties": {name: {"type": "string"} for name in said}}
    error = {"type": "object", "required": ["error"], "properties": {"error": fault}}
    answer = {
        "type": "object",
        "properties": {
            "name": {"type": "string", "description": "The file's name, as the form told it."},
            **_said(package),
            "probabilities": {"type": "object", "additionalProperties": {"type": "number"}},
            "error": fault,
        },
    }
    binary = {"type": "string", "format": "binary"}
    answered = {
        "type": "object",
        "properties": {
            "run": {"type": "string"},
            "folds": {"type": "array", "items": {"type": "integer"}},
            "photos": {"type": "array", "items": {"$ref": "#/components/schemas/Answer"}},
        },
    }
    refusals = {
        status: {"description": text, "content": _json({"$ref": "#/components/schemas/Error"})}
        for status, text in STATUS.items()
    }
    refusals["422"] = {"description": STATUS["422"], "content": _json(answered)}
    form = {"type": "object", "properties": {"photos": {"type": "array", "items": binary}}}
    predict = {
        "operationId": "predict",
        "summary": f"Answer up to {limits.photos} photos, {limits.body / MB:g} MB together.",
        "requestBody": {
            "required": True,
            "content": {
                "multipart/form-data": {"schema": form},
                "image/*": {"schema": binary},
                "application/octet-stream": {"schema": binary},
            },
        },
        "responses": {"200": {"description": "An answer a photo.", "content": _json(answered)}, **refusals},
    }
    asked = {
        "/healthz": ("health", "Whether it answers; needs no token.", _json({"type": "object"})),
        "/card": ("card", "The model card.", {"text/markdown": {"schema": {"type": "string"}}}),
        "/metrics": ("metrics", "Counters for Prometheus.", {"text/plain": {"schema": {"type": "string"}}}),
    }
    gets = {
        path: {"get": {"operationId": name, "summary": text, "responses": {"200": {"description": text, "content": c}}}}
        for path, (name, text, c) in asked.items()
    }
    return {
        "openapi": "3.1.0",
        "info": {"title": str(package.facts.get("name", "")), "version": str(package.facts["run"])},
        "paths": {"/predict": {"post": predict}, **gets},
        "security": [{}, {"token": []}],
        "components": {
            "schemas": {"Answer": answer, "Error": error},
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _said(package: PackageFolder) -> dict[str, Any]:
    """What is said of a photo beside the probabilities."""
    folds = {"type": "integer", "minimum": 0, "maximum": len(package.folds)}
    if package.one_by_one:
        word = {"type": "string", "enum": list(NO_YES)}
        return {
            "answers": {"type": "object", "properties": dict.fromkeys(package.classes, word)},
            "folds_agree": {"type": "object", "properties": dict.fromkeys(package.classes, folds)},
        }
    return {
        "class": {"type": "string", "enum": package.classes},
        "probability": {"type": "number", "minimum": 0, "maximum": 1},
        "folds_agree": folds,
    }


def page(package: PackageFolder, limits: Limits) -> str:
    """HTML."""
    facts, folds = package.facts, len(package.folds)
    return PAGE.format(
        name=escape(str(facts.get("name", ""))),
        network=escape(str(facts.get("network", ""))),
        folds="1 fold" if folds == 1 else f"{folds} folds",
        classes=len(package.classes),
        what="yes/no attributes" if package.one_by_one else "classes",
        header=" -H 'Authorization: Bearer TOKEN'",
        photos=f"{limits.photos:,}",
        body=f"{limits.body / MB:g}",
        rows="".join(f"<tr><td>{status}</td><td>{escape(text)}</td></tr>" for status, text in STATUS.items()),
    )


def _json(schema: dict[str, Any]) -> dict[str, Any]:
    return {"application/json": {"schema": schema}}
