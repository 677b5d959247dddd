/**
 * The console's page: three files from memory, nothing from elsewhere. The policy lets it load only itself, run no inline
 * script, send no form, and stand in no frame; it holds no data and no secret, all of that comes from /api/.
 */
import type { Reply, Route } from './listener';
import { script } from './page-script';

export const policy = [
  "default-src 'none'",
  "script-src 'self'",
  "style-src 'self'",
  "connect-src 'self'",
  'img-src data:',
  "base-uri 'none'",
  "form-action 'none'",
  "frame-ancestors 'none'",
].join('; ');

/** The page and its two files. */
export function pageRoutes(): readonly Route[] {
  const file = (path: string, type: string, body: string): Route => {
    const reply: Reply = {
      status: 200,
      type: `${type}; charset=utf-8`,
      body,
      headers: { 'content-security-policy': policy },
    };
    return { method: 'GET', path, handle: () => reply };
  };
  return [
    file('/', 'text/html', html),
    file('/console.css', 'text/css', css),
    file('/console.js', 'text/javascript', script),
  ];
}

const html = `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>xmpp-ximss-bridge</title>
<link rel="icon" href="data:,">
<link rel="stylesheet" href="console.css">
<script src="console.js" defer></script>
</head>
<body>
<header>
  <h1>xmpp-ximss-bridge <small id="about"></small></h1> <small>All times are UTC.</small>
  <p id="lights" aria-live="polite"></p>
</header>
<p id="word" role="status" aria-live="polite" hidden></p>
<section id="tiles" aria-label="Figures"></section>
<section aria-label="Throughput">
  <table class="traffic">
    <thead><tr><th scope="col">Throughput</th><th scope="col">accepted/s</th><th scope="col">delivered/s</th>
      <th scope="col">bounced, in all</th><th scope="col">refused, in all</th><th scope="col">repeats, in all</th>
      <th scope="col">delivery p50</th><th scope="col">p99</th><th scope="col">delivered/s, the last minutes</th></tr></thead>
    <tbody id="traffic"></tbody>
  </table>
</section>
<nav aria-label="Lists">
  <a href="#links">Links and sessions</a> <a href="#lanes">Lanes</a> <a href="#dead">Dead letters</a>
  <a href="#trace">Find a message</a> <a href="#announce">Announce</a>
</nav>
<main>
<section id="links" hidden>
  <form><label>Part of an address <input name="find" type="search"></label>
    <label>Session <select name="status"><option value="">any</option><option>online</option><option>connecting</option>
      <option>waiting</option><option>refused</option><option>closed</option></select></label>
    <button>Show</button></form>
  <div class="list"></div>
</section>
<section id="lanes" hidden>
  <form><label>Jabber user <input name="user" type="search" placeholder="all"></label> <button>Show</button></form>
  <div class="list"></div>
</section>
<section id="dead" hidden>
  <form><button name="do" value="show">Refresh</button>
    <button name="do" value="resend" class="needs">Send the marked again</button>
    <button name="do" value="drop" class="needs danger">Drop the marked</button></form>
  <div class="list"></div>
</section>
<section id="trace" hidden>
  <form><label>Message or envelope id <input name="id" required></label>
    <label>Jabber user <input name="user" type="search" placeholder="all"></label> <button>Find</button></form>
  <div class="list"></div>
</section>
<section id="announce" hidden>
  <form><label>Announcement <textarea name="text" rows="4" maxlength="4000" required></textarea></label>
    <label>To <select name="to"><option value="everybody">every linked user, also later</option>
      <option value="online">those who are online now</option></select></label>
    <button>Send</button></form>
</section>
</main>
<dialog id="letter"><h2>Dead letter</h2><div id="letter-body"></div>
  <p><button id="letter-resend">Send it again</button> <button id="letter-drop" class="danger">Drop it</button>
  <button id="letter-close">Close</button></p></dialog>
<noscript><p>The console needs JavaScript from this server; the same data is under /api/ and /metrics.</p></noscript>
</body>
</html>
`;

const css = `:root { color-scheme: light dark; --line: #8884; --good: #1a7f37; --bad: #cf222e; --warn: #9a6700; --soft: #8882;
  font: 15px/1.45 system-ui, sans-serif; }
@media (prefers-color-scheme: dark) { :root { --good: #3fb950; --bad: #f85149; --warn: #d29922; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 86rem; padding: 1rem 1.5rem 4rem; }
header { display: flex; flex-wrap: wrap; gap: 0 2rem; align-items: baseline; justify-content: space-between; }
h1 { font-size: 1.25rem; margin: 0; } h1 small { font-weight: normal; opacity: .7; } h2 { font-size: 1.1rem; margin: 0 0 .5rem; }
#lights { margin: 0; } #lights span { margin-left: 1rem; } .good::before, .bad::before, .warn::before { content: "●"; margin-right: .35em; }
.good::before { color: var(--good); } .bad::before { color: var(--bad); } .warn::before { color: var(--warn); }
#word { border-left: .3rem solid var(--warn); background: var(--soft); padding: .4rem .8rem; white-space: pre-line; }
#tiles { display: flex; flex-wrap: wrap; gap: .6rem; margin: 1rem 0; }
#tiles div { border: 1px solid var(--line); border-radius: .4rem; padding: .4rem .9rem; min-width: 8.5rem; }
#tiles b { display: block; font-size: 1.5rem; font-variant-numeric: tabular-nums; } #tiles span { opacity: .75; font-size: .85rem; }
nav { display: flex; flex-wrap: wrap; gap: .2rem; margin: 1.2rem 0 .8rem; border-bottom: 1px solid var(--line); }
nav a { padding: .4rem .9rem; color: inherit; text-decoration: none; border-radius: .4rem .4rem 0 0; }
nav a[aria-current] { background: var(--soft); font-weight: 600; }
form { display: flex; flex-wrap: wrap; gap: .6rem 1rem; align-items: end; margin: 0 0 .8rem; }
label { display: grid; gap: .15rem; font-size: .85rem; } textarea { width: min(40rem, 80vw); }
input, select, textarea, button { font: inherit; padding: .3rem .5rem; } button { cursor: pointer; } button.danger:enabled { color: var(--bad); }
.list, .traffic { overflow-x: auto; } table { border-collapse: collapse; width: 100%; font-variant-numeric: tabular-nums; }
th, td { text-align: left; vertical-align: top; padding: .3rem .7rem .3rem 0; border-bottom: 1px solid var(--line); }
th { font-size: .8rem; opacity: .75; font-weight: 600; white-space: nowrap; } td.wide { overflow-wrap: anywhere; }
td small { display: block; opacity: .75; } td button { padding: .05rem .5rem; margin: 0 .3rem .2rem 0; }
.none { opacity: .7; } svg { display: block; } polyline { fill: none; stroke: currentColor; stroke-width: 1.5; }
dialog { max-width: min(50rem, 92vw); border: 1px solid var(--line); border-radius: .5rem; padding: 1.2rem; }
pre { white-space: pre-wrap; overflow-wrap: anywhere; background: var(--soft); padding: .6rem; max-height: 40vh; overflow: auto; }
`;
