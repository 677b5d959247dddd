/**
 * One request from arrival to its one response, on any transport: id check, strict check, faults, handler, response last.
 * docs/XIMSS.md 1.2. Handlers answer by returning, refuse by throwing Refusal; data they give carries the request's id.
 */
import { Refusal, refusals } from '../refusal';
import { el, type El } from '../xml';
import type { World } from '../world';

/** What a transport lends to one request. */
export interface Wire {
  /** Writes a message. */
  send(message: El): void;
  /** Closes the connection at once; nothing more is written. */
  kill(): void;
  /** Writes bytes as they are. */
  raw(bytes: string | Uint8Array): void;
  /** From now on every byte goes out alone. */
  split(): void;
  /** The wire for a request whose answer gets lost; `kill` follows when it is done. */
  lost(): Wire;
  /** Nothing is ever answered (HTTP: the whole exchange hangs). */
  hang(): void;
  /** HTTP: this status instead of an answer. False where there is no such thing. */
  status(status: number): boolean;
}

/** What an operation gets. */
export interface Call {
  readonly world: World;
  readonly request: El;
  /** Sends a data message; the request's id is put in front. */
  data(message: El): void;
  /** Runs once the response has been written. */
  afterwards(step: () => void): void;
  /** The response will come with a later request (SASL). */
  hold(): void;
}

export type Work = (call: Call) => void | Promise<void>;

/** Handles a request; the promise, when there is one, ends with the response. Never rejects. */
export function execute(
  world: World,
  account: string | null,
  request: El,
  wire: Wire,
  work: Work,
): void | Promise<void> {
  const id = request.attrs['id'];
  world.strict.check(account, request);
  if (id === undefined || id === '') {
    world.strict.note(account, `${request.name.slice(0, 80)}: no id`);
    return;
  }
  if (world.faults.isEmpty) return perform(world, request, id, wire, work);
  const fault = world.faults.pick({ kind: 'request', name: request.name, account });
  if (fault === null) return perform(world, request, id, wire, work);
  switch (fault.action) {
    case 'drop':
      return wire.kill();
    case 'never':
      return wire.hang();
    case 'refuse':
      return wire.send(response(id, new Refusal(fault.errorNum ?? 599, fault.errorText ?? 'refused by the test')));
    case 'garbage':
      wire.raw(fault.bytes);
      return perform(world, request, id, wire, work);
    case 'splitBytes':
      wire.split();
      return perform(world, request, id, wire, work);
    case 'delay':
      return pause(fault.ms).then(() => perform(world, request, id, wire, work));
    case 'dropAfter':
    case 'loseResponse': {
      const done = perform(world, request, id, wire.lost(), work);
      if (done === undefined) return wire.kill();
      return done.then(() => wire.kill());
    }
    case 'status':
      if (wire.status(fault.status)) return;
      return perform(world, request, id, wire, work);
  }
}

function perform(world: World, request: El, id: string, wire: Wire, work: Work): void | Promise<void> {
  const call = new Exchange(world, request, id, wire);
  try {
    const later = work(call);
    if (later === undefined) return call.finish(null);
    return later.then(
      () => call.finish(null),
      (error: unknown) => call.finish(asRefusal(error)),
    );
  } catch (error) {
    return call.finish(asRefusal(error));
  }
}

/** One request under way. */
class Exchange implements Call {
  private readonly startedMs: number;
  private isHeld = false;
  private steps: (() => void)[] | null = null;

  constructor(
    readonly world: World,
    readonly request: El,
    private readonly id: string,
    private readonly wire: Wire,
  ) {
    this.startedMs = world.now();
  }

  data(message: El): void {
    this.wire.send({ ...message, attrs: { id: this.id, ...message.attrs } });
  }

  afterwards(step: () => void): void {
    (this.steps ??= []).push(step);
  }

  hold(): void {
    this.isHeld = true;
  }

  /** Writes the response, unless it is held back and nothing is wrong; then runs the steps. */
  finish(refusal: Refusal | null): void {
    if (!this.isHeld || refusal !== null) {
      const { exeTime } = this.request.attrs;
      const wantsTime = exeTime !== undefined && Number(exeTime) !== 0;
      this.wire.send(response(this.id, refusal, wantsTime ? this.world.now() - this.startedMs : undefined));
    }
    for (const step of this.steps ?? []) step();
  }
}

/** Anything but a Refusal is a mistake of this server: let it be seen. */
function asRefusal(error: unknown): Refusal {
  if (error instanceof Refusal) return error;
  // Tests may run in another realm, where an Error is not an instance of this Error.
  process.emitWarning(`XIMSS test server: ${String(error instanceof Error ? error.stack : error)}`);
  return new Refusal(598, 'the test server has failed');
}

/** `response`, id first. */
function response(id: string, refusal: Refusal | null, exeTimeMs?: number): El {
  const failed = refusal === null ? {} : { errorText: refusal.errorText, errorNum: String(refusal.errorNum) };
  return el('response', { id, ...failed, exeTime: exeTimeMs === undefined ? undefined : String(exeTimeMs) });
}

/** Waits; the timer does not keep the process alive. */
export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms).unref());
}

/** The refusal for a name that has no handler here. */
export function unknownOr(world: World, name: string, otherwise: () => Refusal): Refusal {
  return world.strict.knows(name) ? otherwise() : refusals.unknownCommand();
}
