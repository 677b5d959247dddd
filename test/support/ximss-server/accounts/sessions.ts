/**
 * Sessions: one per successful login, whatever carries it. A session owns what the client told about itself (bind, presence)
 * and a sink for asynchronous messages. It does not know TCP from HTTP. docs/XIMSS.md 2.4, 2.6, 2.7; licence limit 1.1.
 */
import { randomBytes } from 'node:crypto';
import type { Account, Session, Sink, TransportName } from './store';
import { refusals } from '../refusal';

export interface SessionRequest {
  account: Account;
  transport: TransportName;
  version: string | null;
  remoteAddress: string;
  sink: Sink;
}

export class Sessions {
  private readonly byId = new Map<string, Session>();
  /** Called for every session that ends, after it left the tables. */
  onEnd: (session: Session) => void = () => undefined;

  constructor(
    private readonly limits: { maxSessions: number; idleTimeoutMs: number },
    private readonly now: () => number,
  ) {}

  /** Opens a session. Throws Refusal at the licence limit; inside actors do not count. */
  open(request: SessionRequest): Session {
    if (request.transport !== 'inside' && this.wireCount() >= this.limits.maxSessions) throw refusals.tooManySessions();
    const session: Session = {
      urlID: `${this.byId.size + 1}-${randomBytes(15).toString('base64url')}`,
      ...request,
      bind: null,
      presence: null,
      clientName: '',
      isEnded: false,
      uploads: new Map(),
      lastSeenMs: this.now(),
      idleTimeoutMs: request.transport === 'inside' ? Infinity : this.limits.idleTimeoutMs,
    };
    this.byId.set(session.urlID, session);
    request.account.sessions.add(session);
    return session;
  }

  get(urlID: string): Session | undefined {
    return this.byId.get(urlID);
  }

  /** Ends a session; may be called twice. `bye`: the client is told before its connection goes. */
  end(session: Session, bye = false): void {
    if (session.isEnded) return;
    session.isEnded = true;
    this.byId.delete(session.urlID);
    session.account.sessions.delete(session);
    session.sink.ended(bye);
    this.onEnd(session);
  }

  /** Ends every session that gave no sign of life for too long (1.1: ten minutes). */
  sweep(): void {
    const now = this.now();
    for (const session of this.byId.values()) {
      if (now - session.lastSeenMs > session.idleTimeoutMs) this.end(session, true);
    }
  }

  all(): Session[] {
    return [...this.byId.values()];
  }

  private wireCount(): number {
    if (this.limits.maxSessions === Infinity) return 0;
    let count = 0;
    for (const session of this.byId.values()) if (session.transport !== 'inside') count++;
    return count;
  }
}
