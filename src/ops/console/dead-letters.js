/** The list of dead letters, one letter opened, and what can be done with them. */
import {
  act,
  ago,
  arrow,
  ask,
  byId,
  fill,
  guarded,
  make,
  more,
  table,
  target,
  time,
  told,
  view,
  why,
  wide,
} from './elements.js';

export async function showDead(before) {
  view.isTurned = Boolean(before);
  const { entries, next } = await ask('/api/dead/list', { before: before || null });
  const rows = entries.map((letter) => {
    const it = letter.envelope;
    return [
      make('input', { type: 'checkbox', value: letter.id, 'aria-label': 'mark', onchange: marked }),
      wide(time(letter.at), ago(letter.at)),
      arrow(letter),
      it ? it.kind : 'unreadable',
      it ? it.attempts : '',
      why(it && it.fault),
      wide(it ? it.messageId || '' : '', it ? it.envelopeId : ''),
      make('button', { type: 'button', onclick: guarded(() => openLetter(letter.id)) }, 'Open'),
    ];
  });
  fill(
    target('dead'),
    table(['', 'Set aside', 'Way', 'Kind', 'Tries', 'Why', 'Ids', ''], rows, 'There are no dead letters.'),
    more(next, showDead),
  );
  marked();
}

export const chosen = () => [...target('dead').querySelectorAll('input:checked')].map((box) => box.value);
function marked() {
  const count = chosen().length;
  for (const button of byId('dead').querySelectorAll('.needs')) button.disabled = count === 0;
}
export const sendAgain = async (ids) => {
  told(await act('/api/dead/resend', { ids }), 'in the queue again.');
  await showDead();
};
export const drop = async (ids) => {
  if (!confirm('Drop ' + (ids.length === 1 ? 'this letter' : ids.length + ' letters') + ' for good?')) return;
  told(await act('/api/dead/drop', { ids }), 'dropped.');
  await showDead();
};
let opened = null;
export async function openLetter(id) {
  const letter = await ask('/api/dead/show', { id });
  const it = letter.envelope;
  const line = (name, value) =>
    make(
      'tr',
      {},
      make('th', { scope: 'row' }, name),
      value instanceof Node ? value : make('td', { class: 'wide' }, String(value)),
    );
  opened = id;
  fill(
    byId('letter-body'),
    make(
      'table',
      {},
      make(
        'tbody',
        {},
        line('Set aside', time(letter.at)),
        line('Way', arrow(letter)),
        ...(it
          ? [
              line('Kind', it.kind),
              line('Message id', it.messageId || '–'),
              line('Envelope', it.envelopeId),
              line('Accepted', time(it.acceptedAt)),
              line('Tries', it.attempts),
              line('Why', why(it.fault)),
              line(
                'Tries that failed',
                make('td', {}, ...it.history.map((past) => make('div', {}, time(past.at) + ' ' + past.code))),
              ),
            ]
          : []),
      ),
    ),
    make('pre', {}, letter.text),
  );
  byId('letter-resend').disabled = !it;
  byId('letter').showModal();
}
const closing = (work) =>
  guarded(async () => {
    byId('letter').close();
    fill(byId('letter-body'));
    if (work && opened !== null) await work([opened]);
    opened = null;
  });
byId('letter-close').addEventListener('click', closing(null));
byId('letter-resend').addEventListener('click', closing(sendAgain));
byId('letter-drop').addEventListener('click', closing(drop));
