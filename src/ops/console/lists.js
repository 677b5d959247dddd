/** The lists of links, lanes and found messages, each with what its form says. */
import {
  act,
  ago,
  arrow,
  ask,
  fill,
  guarded,
  make,
  more,
  table,
  target,
  time,
  told,
  values,
  view,
  why,
  wide,
} from './elements.js';
import { openLetter, showDead } from './dead-letters.js';

const light = (status) =>
  make('span', { class: status === 'online' ? 'good' : status === 'connecting' ? 'warn' : 'bad' }, status);
export const lists = {
  async links(after) {
    view.isTurned = Boolean(after);
    const { entries, next } = await ask('/api/links/list', { ...values('links'), after: after || null });
    const rows = entries.map((link) => [
      wide(link.user),
      wide(link.account),
      link.origin,
      make('td', {}, light(link.status), link.since === null ? null : make('small', {}, 'since ' + time(link.since))),
      why(link.fault),
      make(
        'button',
        {
          type: 'button',
          onclick: guarded(async () => {
            told(await act('/api/links/reconnect', { users: [link.user] }), 'session is being opened again.');
            await lists.links();
          }),
        },
        'Reconnect',
      ),
    ]);
    fill(
      target('links'),
      table(['Jabber user', 'Account', 'Made by', 'Session', 'Why', ''], rows, 'No links.'),
      more(next, lists.links),
    );
  },
  async lanes(after) {
    view.isTurned = Boolean(after);
    const { entries, next } = await ask('/api/lanes', { ...values('lanes'), after: after || null });
    const rows = entries.map((lane) => {
      const first = lane.oldest;
      return [
        arrow(lane),
        lane.waiting,
        first ? wide(ago(first.acceptedAt), time(first.acceptedAt)) : 'unreadable',
        first ? first.kind : '',
        first ? first.attempts : '',
        why(first && first.fault),
        wide(
          first ? first.envelopeId : '',
          first && first.history.length ? 'last try ' + ago(first.history[first.history.length - 1].at) : '',
        ),
      ];
    });
    fill(
      target('lanes'),
      table(['Way', 'Waiting', 'Oldest', 'Kind', 'Tries', 'Why', 'Head'], rows, 'Nothing is waiting.'),
      more(next, lists.lanes),
    );
  },
  dead: showDead,
  async trace() {
    const { id, user } = values('trace');
    if (!id) return;
    const { entries } = await ask('/api/trace', { id, user });
    const places = { waiting: 'waiting', dead: 'dead letter', gone: 'handed over' };
    const rows = entries.map((one) => {
      const [direction, from, peer] = one.lane.split(' ');
      return [
        arrow({ direction, user: from, peer, lane: one.lane }),
        wide(places[one.place], one.ahead === null ? '' : one.ahead + ' before it'),
        time(one.acceptedAt),
        one.attempts,
        why(one.lastFault),
        wide(one.envelopeId),
        wide(one.history.map((past) => time(past.at) + ' ' + past.code).join('; ')),
        one.letterId
          ? make('button', { type: 'button', onclick: guarded(() => openLetter(one.letterId)) }, 'Open')
          : '',
      ];
    });
    fill(
      target('trace'),
      table(
        ['Way', 'Where', 'Accepted', 'Tries', 'Why', 'Envelope', 'Tries that failed', ''],
        rows,
        'Nothing goes by this id, as far as is remembered (a day, unless delivery.dedupeWindowSeconds says otherwise).',
      ),
    );
  },
  async announce() {},
};
