/** The HTTP binding against a model server that loses, repeats and delays anything. */
import fc from 'fast-check';
import { until } from '../../support/wait';
import { Fault } from '../../../src/core/fault';
import { makeCodec } from '../../../src/ximss/wire/codec';
import { attr, childrenOf, el, serialise, textOf, type Element } from '../../../src/ximss/wire/element';
import { HttpTransport } from '../../../src/ximss/wire/http';
import type { HttpAnswer, HttpRequest } from '../../../src/ximss/wire/http-client';
import type { TransportEvents } from '../../../src/ximss/wire/transport';

describe('against a model server that loses, repeats and delays anything', () => {
  /** What happens to one exchange: nothing, lost on the way there, lost on the way back, a bad answer, done twice. */
  type Mishap = 'fine' | 'lost' | 'lost-back' | 'bad' | 'twice';
  const mishap = fc.constantFrom<Mishap>('fine', 'fine', 'lost', 'lost-back', 'bad', 'twice');

  /** The server's side of section 3.2, as the document tells it. */
  function makeModel(mishaps: readonly Mishap[], pushes: readonly number[]) {
    const done: string[] = [];
    const acks: number[] = [];
    const queue: string[] = [];
    let lastSeq = 0;
    let lastAnswer = '';
    let respSeq = 0;
    let kept: string | null = null;
    let turn = 0;
    let pushed = 0;

    const sync = (seq: number, body: string): string => {
      if (seq === lastSeq) return lastAnswer;
      if (seq !== lastSeq + 1) return '<XIMSS><response errorText="XIMSS request sequence error"/></XIMSS>';
      const batch = childrenOf(makeCodec().decode(Buffer.from(body)));
      for (const request of batch) done.push(textOf(request));
      lastSeq = seq;
      return (lastAnswer = `<XIMSS>${batch.map((one) => serialise(el('response', { id: attr(one, 'id') ?? '' }))).join('')}</XIMSS>`);
    };
    const get = (ack: number): string => {
      acks.push(ack);
      if (ack === respSeq) kept = null;
      if (kept !== null) return kept;
      // messages arrive while the client waits
      for (let count = pushes[pushed % pushes.length] ?? 0; count > 0; count -= 1) queue.push(String(queue.length));
      pushed += 1;
      const news = queue.slice(told);
      if (news.length === 0) return '<XIMSS/>\r\n';
      told = queue.length;
      respSeq += 1;
      return (kept = `<XIMSS respSeq="${respSeq}">${news.map((text) => serialise(el('readIM', { peer: 'a@b.c' }, text))).join('')}</XIMSS>`);
    };
    let told = 0;
    const handle = ({ method, path, body }: HttpRequest): string => {
      const number = (name: string): number => Number(new URL(path, 'http://x').searchParams.get(name));
      return method === 'POST' ? sync(number('reqSeq'), body ?? '') : get(number('ackSeq'));
    };
    const exchange = async (request: HttpRequest): Promise<HttpAnswer> => {
      const what = mishaps[turn++] ?? 'fine';
      await new Promise(setImmediate);
      if (what === 'lost') throw new Fault('unavailable');
      let text = handle(request);
      if (what === 'twice') text = handle(request); // a proxy repeated it
      if (what === 'lost-back') throw new Fault('unavailable');
      return { status: what === 'bad' ? 502 : 200, cookies: [], body: Buffer.from(text) };
    };
    return { exchange, done, queue, acks, answeredCount: () => respSeq };
  }

  const requestTimeoutMs = 12_345;
  const clock = {
    dice: () => 0,
    monotonic: () => 0,
    /** Pauses end at the next turn, deadlines never. */
    sleep: (ms: number, signal: AbortSignal): Promise<void> =>
      new Promise((resolve, reject) => {
        const onAbort = (): void => reject(new Error('aborted'));
        signal.addEventListener('abort', onAbort);
        if (ms === requestTimeoutMs || ms > 20_000) return;
        setImmediate(() => {
          signal.removeEventListener('abort', onAbort);
          resolve();
        });
      }),
  };

  async function play(mishaps: readonly Mishap[], pushes: readonly number[], messageCount: number, safeAfter: number) {
    const model = makeModel(mishaps, pushes);
    const got: string[] = [];
    const answered: string[] = [];
    let unsafeCount = 0;
    const early: number[] = [];
    const waiting: Element[] = Array.from({ length: messageCount }, (_, index) =>
      el('sendIM', { id: String(index) }, `m${index}`),
    );
    let ended: Fault | null = null;
    const pump = (): void => {
      if (waiting.length > 0 && transport.isWritable()) transport.send(waiting.splice(0, 3));
    };
    const events: TransportEvents = {
      onDocument: (document) => {
        if (document.name === 'response') return void answered.push(attr(document, 'id') ?? 'none');
        got.push(textOf(document));
        unsafeCount += 1;
        return (async () => {
          for (let turn = 0; turn < safeAfter; turn += 1) await new Promise(setImmediate);
          unsafeCount -= 1;
        })();
      },
      onUnreadable: () => undefined,
      onTrouble: () => undefined,
      onWritable: () => pump(),
      onClose: (fault) => void (ended = fault),
    };
    const exchange = (request: HttpRequest): Promise<HttpAnswer> => {
      if (request.method === 'GET' && unsafeCount > 0) early.push(unsafeCount);
      return model.exchange(request);
    };
    const transport = new HttpTransport(
      {
        exchange,
        codec: makeCodec(),
        clock,
        urlId: 'S',
        cookie: null,
        isEncrypted: false,
        requestTimeoutMs,
      },
      events,
    );
    transport.start();
    pump();
    const isDone = (): boolean => answered.length === messageCount && got.length >= 8;
    await until(() => isDone() || ended !== null, { everyMs: 0 });
    expect(ended).toBeNull();
    transport.destroy(new Fault('unavailable'));
    return { model, got, answered, early };
  }

  test('every message is done once and in order; every document comes once and in order; nothing is acknowledged before it is safe', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(mishap, { maxLength: 40 }).filter((all) => all.filter((what) => what === 'bad').length < 6),
        fc
          .array(fc.integer({ min: 0, max: 3 }), { minLength: 1, maxLength: 6 })
          .filter((all) => all.some((n) => n > 0)),
        fc.integer({ min: 0, max: 12 }),
        fc.integer({ min: 0, max: 3 }),
        async (mishaps, pushes, messageCount, safeAfter) => {
          const { model, got, answered, early } = await play(mishaps, pushes, messageCount, safeAfter);
          const all = Array.from({ length: messageCount }, (_, index) => String(index));
          expect(model.done).toEqual(all.map((index) => `m${index}`));
          expect(answered).toEqual(all);
          expect(got).toEqual(model.queue.slice(0, got.length));
          expect(early).toEqual([]);
          expect([...model.acks].sort((a, b) => a - b)).toEqual(model.acks);
        },
      ),
      { numRuns: 150 },
    );
  });
});
