/** Stanzas from text, read as they would be from a stream. */
import { makeParser } from '../../src/xmpp/stream/parser';
import type { Element } from '../../src/xmpp/stanza/element';
import { streamHeader } from './scripted-server';

/** The stanza a stream would give for this text. Throws when it is not exactly one. */
export function stanzaOf(text: string, header = streamHeader): Element {
  const found: Element[] = [];
  const parser = makeParser(
    { stanzaBytes: 1_000_000, depthCount: 64 },
    {
      onHeader: () => undefined,
      onStanza: (one) => found.push(one),
      onOversize: () => undefined,
      onEnd: () => undefined,
    },
  );
  parser.write(Buffer.from(header + text));
  const [stanza] = found;
  if (!stanza || found.length !== 1) throw new Error(`not one stanza: ${text}`);
  return stanza;
}
