"""How the queue stands in the header: beside the search, in the room that the menu leaves."""

from __future__ import annotations

# The button lies over the words and is called "Queue": its name stays while the words change, or it would close.
STYLE = """<style>
.st-key-dock { position: fixed; z-index: 999991; top: .95rem; right: 8.4rem; width: auto !important; height: 1.9rem;
  max-width: calc(100vw - 15rem); align-items: stretch; border-radius: 6px; overflow: hidden;
  border: 1px solid color-mix(in srgb, currentColor 20%, transparent);
  background: light-dark(#fcfcfa, #14181b); font-size: .8rem; }
.st-key-dock:hover { border-color: var(--st-primary-color); }
.st-key-dock:focus-within:has(:focus-visible) { outline: 2px solid var(--st-primary-color); }
.st-key-dock [data-testid="stHtml"] { padding: 0 .6rem; }
.dock-words { display: flex; gap: .7rem; line-height: 1.7rem; white-space: nowrap; font-size: .8rem; }
.st-key-dock .lab-bar { height: 3px; margin-top: -.1rem; }
.st-key-dock-queue, .st-key-dock [data-testid="stPopover"] { position: absolute; inset: 0;
  width: auto; }
.st-key-dock [data-testid="stPopover"] > *, .st-key-dock [data-testid="stPopover"] button { width: 100%; height: 100%;
  min-height: 0; padding: 0; border: 0; background: none !important; }
.st-key-dock [data-testid="stPopover"] button > * { position: absolute; width: 1px; height: 1px; overflow: hidden;
  clip-path: inset(50%); }
[data-testid="stTopNav"] { max-width: calc(100vw - 21.5rem); }
.st-key-dock-panel { width: min(27rem, calc(100vw - 3.5rem)); }
.st-key-dock-panel button[data-testid="stBaseButton-tertiary"] p { font-weight: 600; text-align: left; }
.st-key-dock-panel .lab-line { font-size: .85rem; margin-bottom: .2rem; }
[data-testid="stSidebar"][data-collapsed="false"] ~ * .st-key-dock { display: none; }
@media (max-width: 1420px) { .dock-spare { display: none; } }
@media (max-width: 640px) { .st-key-dock { right: 6.6rem; } }
</style>"""
