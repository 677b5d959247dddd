/** What a test client received: bounded, searched by predicate, waited on until a deadline or the connection's end. */
import { Hopeless, until } from '../wait';
import type { Element } from './xml';

const keptStanzas = 20_000;

export type Predicate = (stanza: Element) => boolean;

export interface Inbox {
  /** Oldest first; the oldest are dropped beyond 20,000. */
  readonly items: Element[];
  readonly add: (stanza: Element) => void;
  /** The first that fits, kept or still to come. Rejects with the last ten at the deadline, at once when nothing more can come. */
  readonly waitFor: (predicate: Predicate, deadlineMs?: number, what?: string) => Promise<Element>;
  /** The same, and takes it out, so that the next call finds the next one. */
  readonly take: (predicate: Predicate, deadlineMs?: number, what?: string) => Promise<Element>;
  readonly clear: () => void;
}

/** `who` names the owner in failures; `over` says why nothing more will come, undefined while something may. */
export function makeInbox(who: () => string, over: () => string | undefined): Inbox {
  const items: Element[] = [];
  const find = (predicate: Predicate, deadlineMs: number, what: string, isTaken: boolean): Promise<Element> => {
    const look = (): Element | undefined => {
      const at = items.findIndex(predicate);
      if (at >= 0) return isTaken ? items.splice(at, 1)[0] : items[at];
      const reason = over();
      if (reason !== undefined) throw new Hopeless(`${who()} waits for ${what} in vain: ${reason}`);
      return undefined;
    };
    return until(look, { deadlineMs, everyMs: 5, what: () => `${what} at ${who()}; it has\n${show(items)}\n` });
  };
  return {
    items,
    add(stanza) {
      items.push(stanza);
      if (items.length > keptStanzas) items.shift();
    },
    waitFor: (predicate, deadlineMs = 20_000, what = 'a stanza') => find(predicate, deadlineMs, what, false),
    take: (predicate, deadlineMs = 20_000, what = 'a stanza') => find(predicate, deadlineMs, what, true),
    clear: () => void items.splice(0),
  };
}

function show(stanzas: readonly Element[]): string {
  const lines = stanzas.slice(-10).map((stanza) => `  ${stanza.toString().slice(0, 400)}`);
  return lines.join('\n') || '  nothing';
}
