package simulator

// PageHead begins a company's page, after its title: the clothes that all of them wear in the
// sandbox, and the bar that says that no money moves. It is no copy of anybody's design. A body
// with the class of the company has its colour.
const PageHead = `<style>
:root { color-scheme: light dark; --paper: #F6F4EE; --sheet: #FFFDF9; --ink: #14202B; --muted: #51606C; --line: #DAD5C8; --control: #76828B; --tone: #0B6E75; --on: #FFFFFF; --bad: #A3263A; --warn: #8A5A00; --warn-soft: #FBEFD3; }
.click { --tone: #4A3F8C; } .uzum { --tone: #8A5A00; } .multicard { --tone: #2F6B3C; }
@media (prefers-color-scheme: dark) {
  :root { --paper: #0F171E; --sheet: #16212A; --ink: #ECE7DB; --muted: #A9B2B8; --line: #2C3943; --control: #7D8B95; --tone: #5CC7CC; --on: #06262A; --bad: #F08A93; --warn: #E7B45A; --warn-soft: #352A12; }
  .click { --tone: #B3A9F0; } .uzum { --tone: #E7B45A; } .multicard { --tone: #8CCB98; }
}
* { box-sizing: border-box; }
body { margin: 0; background: var(--paper); color: var(--ink); font: 16px/24px Onest, system-ui, -apple-system, "Segoe UI", Roboto, "Noto Sans", sans-serif; overflow-wrap: anywhere; }
.test { padding: 4px 16px; text-align: center; font-size: 14px; line-height: 20px; font-weight: 600; color: var(--warn); border-bottom: 1px solid var(--line); background: repeating-linear-gradient(-45deg, var(--warn-soft) 0 12px, var(--paper) 12px 24px); }
.test span { background: var(--warn-soft); padding: 0 8px; }
main { max-width: 420px; margin: 0 auto; padding: 24px 16px 48px; }
h1 { margin: 0 0 16px; padding-bottom: 16px; font-size: 24px; line-height: 32px; color: var(--tone); border-bottom: 1px solid var(--line); }
p { margin: 0 0 12px; } .sum { font-size: 32px; line-height: 40px; font-weight: 600; }
.muted { color: var(--muted); font-size: 14px; line-height: 20px; }
[role=alert] { padding: 12px 16px; border-left: 3px solid var(--bad); background: var(--sheet); }
form { display: grid; gap: 8px; margin: 24px 0; }
label { display: grid; gap: 4px; font-weight: 500; }
input, button { font: inherit; width: 100%; min-height: 44px; padding: 9px 12px; border: 1px solid var(--control); border-radius: 6px; background: var(--sheet); color: var(--ink); }
button { cursor: pointer; font-weight: 500; color: var(--tone); background: transparent; }
button[value=pay] { background: var(--tone); border-color: var(--tone); color: var(--on); font-weight: 600; }
.wallets { display: grid; grid-template-columns: repeat(auto-fill, minmax(112px, 1fr)); gap: 8px; }
a { color: var(--tone); text-underline-offset: 3px; } a + a { margin-left: 12px; }
pre { padding: 12px; margin: 0 0 12px; font: 12px/18px ui-monospace, Menlo, Consolas, monospace; white-space: pre-wrap; background: var(--sheet); border-left: 3px solid var(--line); }
:focus-visible { outline: 2px solid #1F5FBF; outline-offset: 2px; }
</style>`

// PageBar is the striped bar, the first thing in a page's body.
const PageBar = `<div class="test" role="note"><span>SINOV · ТЕСТ · TEST</span></div>`
