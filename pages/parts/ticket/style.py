"""How the ticket of a launch stands: a column beside the form, a bar beneath it on narrow screens."""

KEY = "launch-ticket"
CSS = """<style>
.st-key-launch-page { display: grid !important; grid-template-columns: minmax(0, 1fr) 318px; gap: 1.4rem;
  align-items: start; }
.st-key-launch-page > * { min-width: 0; }
.st-key-launch-page > [data-testid="stLayoutWrapper"]:has(> .st-key-launch-ticket) { position: sticky; top: 3.9rem;
  z-index: 3; }
.st-key-launch-ticket { border: 1px solid color-mix(in srgb, currentColor 18%, transparent); border-radius: 10px;
  padding: .8rem .95rem .9rem; gap: .55rem; max-height: calc(100dvh - 4.6rem); overflow-y: auto;
  background: light-dark(#ffffff, #191f23); }
.st-key-ticket-words { gap: .45rem; }
.st-key-ticket-act { gap: .45rem; }
.st-key-ticket-facts { gap: .16rem !important; } .st-key-ticket-time { gap: 0; }
.st-key-ticket-problems { gap: .25rem; }
.st-key-ticket-problems [data-testid="stBaseButton-tertiary"], .st-key-ticket-time [data-testid="stBaseButton-tertiary"]
  { padding: 0; min-height: 1.5rem; }
.st-key-ticket-problems :is(p, [data-testid="stMarkdownContainer"]) { margin: 0; line-height: 1.35;
  overflow-wrap: anywhere; }
.st-key-ticket-act button[kind="primary"] { width: 100%; }
.ticket-facts { display: grid; grid-template-columns: 4.1rem minmax(0, 1fr); gap: .16rem .6rem;
  margin: 0 !important; padding: 0 !important;
  font-size: .9rem; font-variant-numeric: tabular-nums; line-height: 1.4; }
.ticket-facts dt { color: color-mix(in srgb, currentColor 70%, transparent); margin: 0 !important; font-weight: 400; }
.ticket-facts dd { margin: 0 !important; min-width: 0; overflow: hidden; text-overflow: ellipsis; white-space: nowrap; }
.ticket-facts .ticket-bad { color: light-dark(#b3261e, #ff8a80); font-weight: 600; }
.ticket-facts .ticket-warn { color: light-dark(#8a5a00, #e7b04b); }
.ticket-bar { display: none; }
@media (max-width: 1080px) {
  .st-key-launch-page { display: flex !important; flex-direction: column; align-items: stretch; }
  .st-key-launch-page > [data-testid="stLayoutWrapper"]:has(> .st-key-launch-ticket), .st-key-launch-ticket
    { display: contents; }
  .st-key-launch-page > * { width: 100%; }
  .st-key-launch-ticket > [data-testid="stLayoutWrapper"]:has(> .st-key-ticket-act) { order: 9; position: sticky;
    bottom: 0; z-index: 50; width: calc(100% + 2rem) !important; max-width: none; margin: 0 -1rem -3rem;
    padding: .55rem 1rem .7rem; background: light-dark(#ffffff, #191f23);
    border-top: 1px solid color-mix(in srgb, currentColor 18%, transparent);
    box-shadow: 0 -6px 18px light-dark(#0000000f, #00000059); }
  .st-key-ticket-act { max-height: 42dvh; overflow-y: auto; flex-direction: row; flex-wrap: wrap; align-items: center;
    gap: .3rem 1rem; }
  .st-key-ticket-act > * { flex: 1 1 16rem; width: auto; min-width: 0; }
  .st-key-ticket-act > [data-testid="stLayoutWrapper"]:has(> .st-key-ticket-problems) { flex-basis: 100%; order: -1; }
  .st-key-ticket-act > [data-testid="stLayoutWrapper"]:has(> .st-key-ticket-note) { display: none; }
  .ticket-bar { display: block; font-size: .85rem; overflow: hidden; text-overflow: ellipsis; white-space: nowrap;
    font-variant-numeric: tabular-nums; }
}
</style>"""
