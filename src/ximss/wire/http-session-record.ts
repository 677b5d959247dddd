/**
 * What is noted of an HTTP session where it outlives this process, so that the next one can take over what the server
 * still holds (takeover.ts): one note per link. The acknowledgement is noted before it is given, so a note is behind the
 * server by one answer at most; the number of requests is noted in steps, ahead of time.
 */
import { z } from 'zod';
import type { NoteStore } from '../../bridge/ports';
import type { Link } from '../../core/model';

const shape = z.object({
  account: z.string(),
  urlId: z.string(),
  cookie: z.string().nullable(),
  /** the last answer whose documents are stored */
  ackSeq: z.number(),
  /** no request had a higher number, as far as the notes got */
  reqSeq: z.number(),
});
export type SessionNote = z.infer<typeof shape>;

/** Requests between two notes of their number, and how long before it is reached the next one is made. */
const stepCount = 8;
const aheadCount = 4;
/** The number of the last request is at most so far below the noted one. */
export const reqSeqSlack = stepCount + aheadCount;

export interface HttpSessionRecord {
  /** The session that was left behind; null = none. Rejects `store-away`. */
  previous(): Promise<SessionNote | null>;
  /** Rejects `store-away`. */
  opened(urlId: string, cookie: string | null): Promise<void>;
  /** A request of this number is about to be written. Never waits. */
  requested(reqSeq: number): void;
  /** Before the acknowledgement is given. Rejects `store-away`. */
  acknowledged(ackSeq: number, cookie: string | null): Promise<void>;
  /** The server said no when it was asked for what the session holds: how often, in a row. */
  countRefusal(): number;
  /** The session is gone, and nothing in it. Never rejects. */
  closed(): Promise<void>;
}

export function makeHttpSessionRecord(
  notes: NoteStore,
  { user, account }: Pick<Link, 'user' | 'account'>,
): HttpSessionRecord {
  /** of the session that serves */
  let note: SessionNote | null = null;
  let refusedCount = 0;

  async function write(next: SessionNote): Promise<void> {
    note = next;
    await notes.write(user, JSON.stringify(next));
  }

  return {
    async previous() {
      note = parse(await notes.read(user)); // always: nobody logs in who could not note it
      return note?.account === account ? note : null;
    },
    opened: (urlId, cookie) => write({ account, urlId, cookie, ackSeq: 0, reqSeq: stepCount }),
    requested(reqSeq) {
      if (!note || reqSeq <= note.reqSeq - aheadCount) return;
      write({ ...note, reqSeq: note.reqSeq + stepCount }).catch(() => undefined); // the last step is then less exact
    },
    async acknowledged(ackSeq, cookie) {
      if (note) await write({ ...note, ackSeq, cookie });
    },
    countRefusal: () => (refusedCount += 1),
    async closed() {
      note = null;
      refusedCount = 0;
      await notes.write(user, null).catch(() => undefined); // the session is not there when it is looked for
    },
  };
}

function parse(text: string | null): SessionNote | null {
  if (text === null) return null;
  try {
    return shape.safeParse(JSON.parse(text)).data ?? null;
  } catch {
    return null;
  }
}
