"""How Augmentation stands: the settings scroll, the pictures stay; above the settings on narrow screens."""

SEEN, READ = "augment-preview", "augment-reading"  # keys of a view of pictures, and of one of words and figures
CSS = """<style>
[data-testid="stColumn"]:has(.st-key-augment-preview), [data-testid="stColumn"]:has(.st-key-augment-reading) {
  position: sticky; top: 3.9rem; align-self: flex-start; max-height: calc(100dvh - 7.2rem); overflow-y: auto; }
.st-key-augment-view-line [data-testid="stButtonGroup"] > div { flex-wrap: wrap; }
.st-key-augment-way-back :is(p, [data-testid="stMarkdownContainer"]) { margin: 0; }
.st-key-augment-preview { gap: .6rem; }
[class*="st-key-lead-augment"] { display: none; }
.st-key-augment-correct [data-testid="stBaseButton-tertiary"] { padding: 0; min-height: 1.5rem; }
.st-key-augment-correct :is(p, [data-testid="stMarkdownContainer"]) { margin: 0; line-height: 1.35; }
@media (max-width: 1080px) {
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] .st-key-augment-preview),
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] .st-key-augment-reading) {
    flex-direction: column; flex-wrap: nowrap; align-items: stretch; gap: 1rem; }
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] .st-key-augment-preview) > [data-testid="stColumn"],
  [data-testid="stHorizontalBlock"]:has(> [data-testid="stColumn"] .st-key-augment-reading) > [data-testid="stColumn"] {
    width: 100%; min-width: 0; flex: none; }
  .st-key-augment-preview .augment { grid-template-columns: repeat(auto-fill, minmax(68px, 1fr)); }
  .st-key-augment-preview .beside { grid-template-columns: repeat(auto-fill, minmax(150px, 1fr)); }
  [data-testid="stColumn"]:has(.st-key-augment-reading) { position: static; max-height: none; order: -1; }
  [data-testid="stColumn"]:has(.st-key-augment-preview) { order: -1; z-index: 5; max-height: 44dvh;
    padding-bottom: .4rem; background: light-dark(#fcfcfa, #14181b);
    border-bottom: 1px solid color-mix(in srgb, currentColor 18%, transparent); }
}
</style>"""
