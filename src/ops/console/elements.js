/** What the page is built from: elements, words for times and rates, requests to the bridge, tables. Only text nodes, never markup. */

export const svgNs = 'http://www.w3.org/2000/svg';
export const byId = (id) => document.getElementById(id);

export const make = (name, props, ...children) => {
  const node = document.createElement(name);
  for (const [key, value] of Object.entries(props || {})) {
    if (key.startsWith('on')) node.addEventListener(key.slice(2), value);
    else if (key === 'class') node.className = value;
    else if (value === true) node.setAttribute(key, '');
    else if (value !== false && value !== null && value !== undefined) node.setAttribute(key, value);
  }
  node.append(...children.filter((child) => child !== null && child !== undefined && child !== ''));
  return node;
};
export const fill = (node, ...children) => node.replaceChildren(...children);

export const time = (ms) => (ms === null ? '' : new Date(ms).toISOString().slice(0, 19).replace('T', ' '));
export const span = (seconds) => {
  if (seconds < 1) return Math.round(seconds * 1000) + ' ms';
  if (seconds < 120) return Math.round(seconds * 10) / 10 + ' s';
  if (seconds < 7200) return Math.round(seconds / 60) + ' min';
  return Math.round(seconds / 3600) + ' h';
};
export const ago = (ms) => (ms === null ? '' : span(Math.max(0, Math.round((Date.now() - ms) / 1000))) + ' ago');
export const rate = (value) => (value === null ? '–' : value >= 100 ? Math.round(value) : Math.round(value * 10) / 10);

export const say = (text) => {
  byId('word').textContent = text;
  byId('word').hidden = text === '';
};

const face = { 'x-operator-face': 'console' };
const call = async (path, options) => {
  const response = await fetch(location.origin + path, options); // a page opened with user:password@ has none in its origin
  const answer = await response.json().catch(() => null);
  if (!response.ok) throw new Error((answer && answer.text) || 'The bridge answered ' + response.status + '.');
  return answer;
};
export const ask = (path, query) => {
  const given = Object.entries(query || {}).filter(([, value]) => value !== null && value !== '');
  return call(path + (given.length ? '?' + new URLSearchParams(given) : ''), { headers: face });
};
export const act = (path, body) =>
  call(path, {
    method: 'POST',
    headers: { ...face, 'content-type': 'application/json' },
    body: JSON.stringify(body),
  });
/** What was done for several at once, in a sentence and a line for each that failed. */
export const told = ({ done, failed }, what) =>
  say([done + ' ' + what, ...failed.map((one) => one.id + ': ' + one.text)].join('\n'));
export const guarded = (work) => async (event) => {
  if (event) event.preventDefault();
  try {
    await work(event);
  } catch (error) {
    say(error.message);
  }
};

// ---- tables

export const table = (columns, rows, empty) =>
  rows.length === 0
    ? make('p', { class: 'none' }, empty)
    : make(
        'table',
        {},
        make('thead', {}, make('tr', {}, ...columns.map((name) => make('th', { scope: 'col' }, name)))),
        make(
          'tbody',
          {},
          ...rows.map((cells) =>
            make(
              'tr',
              {},
              ...cells.map((cell) =>
                cell instanceof Node && cell.nodeName === 'TD'
                  ? cell
                  : make('td', {}, cell instanceof Node ? cell : String(cell === null ? '' : cell)),
              ),
            ),
          ),
        ),
      );
export const wide = (text, note) => make('td', { class: 'wide' }, text || '', note ? make('small', {}, note) : null);
export const why = (fault) =>
  wide(fault ? fault.text : '', fault ? fault.code + (fault.number === undefined ? '' : ' ' + fault.number) : '');
export const arrow = (row) => {
  if (!row.direction) return wide(row.lane || 'unreadable');
  const peer = row.peer || 'the gateway';
  return row.direction === 'toFar' ? wide(row.user + ' → ' + peer) : wide(peer + ' → ' + row.user);
};
export const more = (next, show) =>
  next === null ? '' : make('p', {}, make('button', { type: 'button', onclick: guarded(() => show(next)) }, 'More …'));
/** What the form of a list says, and where its rows go. */
export const values = (name) => Object.fromEntries(new FormData(byId(name).querySelector('form')));
export const target = (name) => byId(name).querySelector('.list');

/** isTurned: a later page of a list is shown, which the next reading must not replace. */
export const view = { isTurned: false };
