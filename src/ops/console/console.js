/** The console: which list is shown, what its forms do, and a reading every few seconds. It asks only the bridge that served it. */
import { act, ask, byId, guarded, say, told, values, view } from './elements.js';
import { chosen, drop, sendAgain, showDead } from './dead-letters.js';
import { lists } from './lists.js';
import { showOverview } from './overview.js';

const pollMs = 3000;
const refreshable = new Set(['links', 'lanes', 'dead']);

const current = () => (location.hash.slice(1) in lists ? location.hash.slice(1) : 'links');
const turnTo = guarded(async () => {
  for (const name of Object.keys(lists)) byId(name).hidden = name !== current();
  for (const link of document.querySelectorAll('nav a')) {
    if (link.hash === '#' + current()) link.setAttribute('aria-current', 'page');
    else link.removeAttribute('aria-current');
  }
  if (refreshable.has(current())) await lists[current()]();
});
let isAway = false;
const poll = async () => {
  try {
    if (!document.hidden) {
      showOverview(await ask('/api/status'), await ask('/api/traffic'));
      if (isAway) say('');
      isAway = false;
      const isQuiet = !view.isTurned && chosen().length === 0 && !byId('letter').open;
      if (isQuiet && refreshable.has(current())) await guarded(() => lists[current()]())();
    }
  } catch (error) {
    isAway = true;
    say('No news from the bridge: ' + error.message);
  }
  setTimeout(poll, pollMs);
};

byId('links')
  .querySelector('form')
  .addEventListener(
    'submit',
    guarded(async (event) => {
      if (event.submitter && event.submitter.value === 'reconnect') {
        told(await act('/api/links/reconnect', { refused: true }), 'refused login(s) are tried again.');
      }
      await lists.links();
    }),
  );
for (const name of ['lanes', 'trace'])
  byId(name)
    .querySelector('form')
    .addEventListener(
      'submit',
      guarded(() => lists[name]()),
    );
byId('dead')
  .querySelector('form')
  .addEventListener(
    'submit',
    guarded(async (event) => {
      const what = event.submitter ? event.submitter.value : 'show';
      if (what === 'resend') await sendAgain(chosen());
      else if (what === 'drop') await drop(chosen());
      else await showDead();
    }),
  );
byId('announce')
  .querySelector('form')
  .addEventListener(
    'submit',
    guarded(async (event) => {
      const { text, to } = values('announce');
      if (!confirm('Send this to ' + (to === 'online' ? 'all who are online' : 'every linked user') + '?')) return;
      const { queued, refused } = await act('/api/announce', { text, to });
      say('On its way to ' + queued + ' user(s)' + (refused ? '; ' + refused + ' could not be stored.' : '.'));
      event.target.reset();
    }),
  );
addEventListener('hashchange', () => {
  say('');
  turnTo();
});
turnTo();
poll();
