/** The head of the page: states, figures, and throughput made of the difference between two readings. */
import { byId, fill, make, rate, span, svgNs } from './elements.js';

const keptReadings = 100;
const windowReadings = 20;
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
  line.setAttribute(
    'points',
    rates.map((value, i) => (i * 200) / keptReadings + ',' + (26 - (value * 24) / top)).join(' '),
  );
  svg.append(line);
  return svg;
};
const lamp = (isGood, good, bad) => make('span', { class: isGood ? 'good' : 'bad' }, isGood ? good : bad);
const tile = (figure, name, note) =>
  make('div', {}, make('b', {}, String(figure)), name, note ? make('span', {}, make('br'), note) : null);

export const showOverview = (all, traffic) => {
  const { links, lanes, drains } = all;
  byId('about').textContent = all.version + ' · ' + all.domain;
  fill(
    byId('lights'),
    lamp(all.isStreamUp, 'XMPP stream', 'XMPP stream down'),
    lamp(all.isStoreUp, 'Redis', 'Redis away'),
    make(
      'span',
      { class: links.online >= links.total ? 'good' : links.online > 0 ? 'warn' : 'bad' },
      'XIMSS ' + links.online + '/' + links.total,
    ),
  );
  const others = ['connecting', 'waiting', 'deferred', 'refused', 'suspended', 'closed']
    .filter((name) => links[name] > 0)
    .map((name) => links[name] + ' ' + name);
  fill(
    byId('tiles'),
    tile(links.total, 'links', [links.online + ' online', ...others].join(', ')),
    ...(lanes
      ? [
          tile(lanes.envelopes, 'waiting', 'in ' + lanes.lanes + (lanes.lanes === 1 ? ' lane' : ' lanes')),
          tile(lanes.dead, 'dead letters', ''),
        ]
      : []),
    ...(drains
      ? [tile(drains.active, 'drains running', drains.waiting + ' waiting, ' + drains.delayed + ' in a pause')]
      : []),
  );
  const last = readings[readings.length - 1];
  if (last && traffic.atMs < last.atMs) readings.splice(0); // the bridge was restarted
  readings.push(traffic);
  if (readings.length > keptReadings) readings.shift();
  const before = readings[Math.max(0, readings.length - 2)];
  const early = readings[Math.max(0, readings.length - windowReadings)];
  fill(
    byId('traffic'),
    ...Object.entries(ways).map(([way, name]) =>
      make(
        'tr',
        {},
        make('th', { scope: 'row' }, name),
        ...[
          rate(between(before, traffic, way, 'accepted')),
          rate(between(before, traffic, way, 'delivered')),
          traffic[way].bounced,
          traffic[way].refused,
          traffic[way].repeats,
          percentile(early, traffic, way, 0.5),
          percentile(early, traffic, way, 0.99),
        ].map((value) => make('td', {}, String(value))),
        make('td', {}, sparkline(way)),
      ),
    ),
  );
};
