/**
 * What went over the wire, both ways: a bounded log and one hook, for demonstrations and failing tests.
 * Passwords in attributes are masked. With a size of 0 and no hook it costs nothing.
 */

export interface WireEntry {
  atMs: number;
  dir: 'in' | 'out';
  /** The account of the session, or null before login. */
  account: string | null;
  xml: string;
}

export class WireLog {
  /** Called for every document; must not throw. */
  hook: ((entry: WireEntry) => void) | null = null;
  private entries: WireEntry[] = [];

  constructor(
    private readonly size: number,
    private readonly now: () => number,
  ) {}

  note(dir: 'in' | 'out', account: string | null, xml: string): void {
    if (this.size === 0 && this.hook === null) return;
    const entry = { atMs: this.now(), dir, account, xml: mask(xml) };
    if (this.size > 0) {
      this.entries.push(entry);
      if (this.entries.length >= this.size * 2) this.entries = this.entries.slice(-this.size);
    }
    this.hook?.(entry);
  }

  /** The last entries, oldest first. */
  list(): WireEntry[] {
    return this.entries.slice(-this.size);
  }

  clear(): void {
    this.entries = [];
  }
}

const secret = /((?:assword|authData)=)("[^"]*"|'[^']*')/g;

function mask(xml: string): string {
  return xml.includes('assword=') || xml.includes('authData=') ? xml.replace(secret, '$1"…"') : xml;
}
