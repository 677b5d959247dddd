/**
 * The console's script, as text: it runs in the browser, so nothing here checks its types. It writes only text nodes,
 * never markup, so that nothing from the wire can become a part of the page; a test holds it to that.
 */
import { tools } from './page-tools';

export const script = String.raw`'use strict';
(() => {
${tools}
  const pollMs = 3000;
  const keptReadings = 100;
  const windowReadings = 20;

  // ---- the lists, each with what its form says

  const values = (name) => Object.fromEntries(new FormData(byId(name).querySelector('form')));
  const target = (name) => byId(name).querySelector('.list');
  const refreshable = new Set(['links', 'lanes', 'dead']);
  let turned = false;

  const light = (status) => make('span', { class: status === 'online' ? 'good' : status === 'connecting' ? 'warn' : 'bad' }, status);
  const lists = {
    async links(after) {
      turned = Boolean(after);
      const { entries, next } = await ask('/api/links', { ...values('links'), after: after || null });
      const rows = entries.map((link) => [
        wide(link.user), wide(link.account), link.origin,
        make('td', {}, light(link.status), link.since === null ? null : make('small', {}, 'since ' + time(link.since))),
        why(link.fault),
        make('button', { type: 'button', onclick: guarded(async () => {
          await act('/api/reconnect', { user: link.user });
          say('The session of ' + link.user + ' is being opened again.');
          await lists.links();
        }) }, 'Reconnect'),
      ]);
      fill(target('links'), table(['Jabber user', 'Account', 'Made by', 'Session', 'Why', ''], rows, 'No links.'), more(next, lists.links));
    },
    async lanes(after) {
      turned = Boolean(after);
      const { entries, next } = await ask('/api/lanes', { ...values('lanes'), after: after || null });
      const rows = entries.map((lane) => {
        const first = lane.oldest;
        return [arrow(lane), lane.waiting,
          first ? wide(ago(first.acceptedAt), time(first.acceptedAt)) : 'unreadable',
          first ? first.kind : '', first ? first.attempts : '', why(first && first.fault),
          wide(first ? first.envelopeId : '', first && first.history.length ? 'last try ' + ago(first.history[first.history.length - 1].at) : '')];
      });
      fill(target('lanes'), table(['Way', 'Waiting', 'Oldest', 'Kind', 'Tries', 'Why', 'Head'], rows, 'Nothing is waiting.'), more(next, lists.lanes));
    },
    async dead(before) {
      turned = Boolean(before);
      const { entries, next } = await ask('/api/dead', { before: before || null });
      const rows = entries.map((letter) => {
        const it = letter.envelope;
        return [make('input', { type: 'checkbox', value: letter.id, 'aria-label': 'mark', onchange: marked }),
          wide(time(letter.at), ago(letter.at)), arrow(letter), it ? it.kind : 'unreadable',
          it ? it.attempts : '', why(it && it.fault), wide(it ? it.messageId || '' : '', it ? it.envelopeId : ''),
          make('button', { type: 'button', onclick: guarded(() => openLetter(letter.id)) }, 'Open')];
      });
      fill(target('dead'), table(['', 'Set aside', 'Way', 'Kind', 'Tries', 'Why', 'Ids', ''], rows, 'There are no dead letters.'), more(next, lists.dead));
      marked();
    },
    async trace() {
      const { id, user } = values('trace');
      if (!id) return;
      const { entries } = await ask('/api/trace', { id, user });
      const places = { waiting: 'waiting', dead: 'dead letter', gone: 'handed over' };
      const rows = entries.map((one) => {
        const [direction, from, peer] = one.lane.split(' ');
        return [arrow({ direction, user: from, peer, lane: one.lane }),
          wide(places[one.place], one.ahead === null ? '' : one.ahead + ' before it'),
          time(one.acceptedAt), one.attempts, why(one.lastFault), wide(one.envelopeId),
          wide(one.history.map((past) => time(past.at) + ' ' + past.code).join('; ')),
          one.letterId ? make('button', { type: 'button', onclick: guarded(() => openLetter(one.letterId)) }, 'Open') : ''];
      });
      fill(target('trace'), table(['Way', 'Where', 'Accepted', 'Tries', 'Why', 'Envelope', 'Tries that failed', ''], rows,
        'Nothing goes by this id, as far as is remembered (a day, unless delivery.dedupeWindowSeconds says otherwise).'));
    },
    async announce() {},
  };

  // ---- dead letters

  const chosen = () => [...target('dead').querySelectorAll('input:checked')].map((box) => box.value);
  function marked() {
    const count = chosen().length;
    for (const button of byId('dead').querySelectorAll('.needs')) button.disabled = count === 0;
  }
  const sendAgain = async (ids) => {
    const { resent, failed } = await act('/api/dead/resend', { ids });
    say([resent + ' in the queue again.', ...failed.map((one) => one.id + ': ' + one.text)].join('\n'));
    await lists.dead();
  };
  const drop = async (ids) => {
    if (!confirm('Drop ' + (ids.length === 1 ? 'this letter' : ids.length + ' letters') + ' for good?')) return;
    const { dropped } = await act('/api/dead/drop', { ids });
    say(dropped + ' dropped.');
    await lists.dead();
  };
  let opened = null;
  async function openLetter(id) {
    const letter = await ask('/api/dead/' + encodeURIComponent(id));
    const it = letter.envelope;
    const line = (name, value) => make('tr', {}, make('th', { scope: 'row' }, name), value instanceof Node ? value : make('td', { class: 'wide' }, String(value)));
    opened = id;
    fill(byId('letter-body'),
      make('table', {}, make('tbody', {},
        line('Set aside', time(letter.at)), line('Way', arrow(letter)),
        ...(it ? [line('Kind', it.kind), line('Message id', it.messageId || '–'), line('Envelope', it.envelopeId),
          line('Accepted', time(it.acceptedAt)), line('Tries', it.attempts), line('Why', why(it.fault)),
          line('Tries that failed', make('td', {}, ...it.history.map((past) => make('div', {}, time(past.at) + ' ' + past.code))))] : []))),
      make('pre', {}, letter.text));
    byId('letter-resend').disabled = !it;
    byId('letter').showModal();
  }
  const closing = (work) => guarded(async () => {
    byId('letter').close();
    fill(byId('letter-body'));
    if (work && opened !== null) await work([opened]);
    opened = null;
  });
  byId('letter-close').addEventListener('click', closing(null));
  byId('letter-resend').addEventListener('click', closing(sendAgain));
  byId('letter-drop').addEventListener('click', closing(drop));

  // ---- figures

  const readings = [];
  const ways = { toFar: 'Jabber → XIMSS', toJabber: 'XIMSS → Jabber' };
  const between = (early, late, way, name) => {
    const seconds = (late.atMs - early.atMs) / 1000;
    return seconds > 0 ? Math.max(0, late[way][name] - early[way][name]) / seconds : null;
  };
  /** Between two readings; of all time when there is only one. */
  const percentile = (early, late, way, part) => {
    const before = early === late ? [] : early[way].latency;
    const counts = late[way].latency.map(([bound, count], i) => [bound, count - ((before[i] || [])[1] || 0)]);
    const all = counts.length ? counts[counts.length - 1][1] : 0;
    if (all <= 0) return '–';
    const [bound] = counts.find(([, count]) => count >= all * part);
    return bound === null ? 'more' : '≤ ' + span(bound);
  };
  const sparkline = (way) => {
    const rates = readings.slice(1).map((late, i) => between(readings[i], late, way, 'delivered') || 0);
    const top = Math.max(1, ...rates);
    const [svg, line] = ['svg', 'polyline'].map((name) => document.createElementNS(svgNs, name));
    svg.setAttribute('width', '200');
    svg.setAttribute('height', '28');
    svg.setAttribute('role', 'img');
    svg.setAttribute('aria-label', 'at most ' + rate(top) + ' per second');
    line.setAttribute('points', rates.map((value, i) => (i * 200) / keptReadings + ',' + (26 - (value * 24) / top)).join(' '));
    svg.append(line);
    return svg;
  };
  const lamp = (isGood, good, bad) => make('span', { class: isGood ? 'good' : 'bad' }, isGood ? good : bad);
  const tile = (figure, name, note) => make('div', {}, make('b', {}, String(figure)), name, note ? make('span', {}, make('br'), note) : null);

  const show = (all) => {
    const { links, lanes, drains, traffic } = all;
    byId('about').textContent = all.version + ' · ' + all.domain;
    fill(byId('lights'), lamp(all.isStreamUp, 'XMPP stream', 'XMPP stream down'), lamp(all.isStoreUp, 'Redis', 'Redis away'),
      make('span', { class: links.online >= links.total ? 'good' : links.online > 0 ? 'warn' : 'bad' }, 'XIMSS ' + links.online + '/' + links.total));
    const others = ['connecting', 'waiting', 'refused', 'closed'].filter((name) => links[name] > 0).map((name) => links[name] + ' ' + name);
    fill(byId('tiles'),
      tile(links.total, 'links', [links.online + ' online', ...others].join(', ')),
      ...(lanes ? [tile(lanes.envelopes, 'waiting', 'in ' + lanes.lanes + (lanes.lanes === 1 ? ' lane' : ' lanes')), tile(lanes.dead, 'dead letters', '')] : []),
      ...(drains ? [tile(drains.active, 'drains running', drains.waiting + ' waiting, ' + drains.delayed + ' in a pause')] : []));
    const last = readings[readings.length - 1];
    if (last && traffic.atMs < last.atMs) readings.splice(0); // the bridge was restarted
    readings.push(traffic);
    if (readings.length > keptReadings) readings.shift();
    const before = readings[Math.max(0, readings.length - 2)];
    const early = readings[Math.max(0, readings.length - windowReadings)];
    fill(byId('traffic'), ...Object.entries(ways).map(([way, name]) =>
      make('tr', {}, make('th', { scope: 'row' }, name), ...[
        rate(between(before, traffic, way, 'accepted')), rate(between(before, traffic, way, 'delivered')),
        traffic[way].bounced, traffic[way].refused, traffic[way].repeats,
        percentile(early, traffic, way, 0.5), percentile(early, traffic, way, 0.99),
      ].map((value) => make('td', {}, String(value))), make('td', {}, sparkline(way)))));
  };

  // ---- the page itself

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
        show(await ask('/api/overview'));
        if (isAway) say('');
        isAway = false;
        const isQuiet = !turned && chosen().length === 0 && !byId('letter').open;
        if (isQuiet && refreshable.has(current())) await guarded(() => lists[current()]())();
      }
    } catch (error) {
      isAway = true;
      say('No news from the bridge: ' + error.message);
    }
    setTimeout(poll, pollMs);
  };

  for (const name of ['links', 'lanes', 'trace']) byId(name).querySelector('form').addEventListener('submit', guarded(() => lists[name]()));
  byId('dead').querySelector('form').addEventListener('submit', guarded(async (event) => {
    const what = event.submitter ? event.submitter.value : 'show';
    if (what === 'resend') await sendAgain(chosen());
    else if (what === 'drop') await drop(chosen());
    else await lists.dead();
  }));
  byId('announce').querySelector('form').addEventListener('submit', guarded(async (event) => {
    const { text, to } = values('announce');
    if (!confirm('Send this to ' + (to === 'online' ? 'all who are online' : 'every linked user') + '?')) return;
    const { queued, refused } = await act('/api/announce', { text, to });
    say('On its way to ' + queued + ' user(s)' + (refused ? '; ' + refused + ' could not be stored.' : '.'));
    event.target.reset();
  }));
  addEventListener('hashchange', () => {
    say('');
    turnTo();
  });
  turnTo();
  poll();
})();
`;
