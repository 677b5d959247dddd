import fc from 'fast-check';
import { makeSplitter, parseXml, xml, type Element } from '../../support/xmpp/xml';

const streamHeader = "<stream:stream xmlns='jabber:client' id='a>b' xmlns:stream='http://etherx.jabber.org/streams'>";
const sampleStanzas = [
  `<message id="1" note="a > b"><body>Привет 🎭</body></message>`,
  '<presence/>',
  `<iq type='result' id='it"s'><query><item jid="x"/><item jid='y'/></query></iq>`,
  '<message><body>a</body><x><y><z/></y></x></message>',
  '<stream:error><conflict/></stream:error>',
];

interface Seen {
  headers: string[];
  stanzas: string[];
  endCount: number;
}

function split(chunks: readonly Buffer[]): Seen {
  const seen: Seen = { headers: [], stanzas: [], endCount: 0 };
  const splitter = makeSplitter({
    onHeader: (tag) => seen.headers.push(tag),
    onStanza: (text) => seen.stanzas.push(text),
    onEnd: () => (seen.endCount += 1),
  });
  for (const chunk of chunks) splitter.write(chunk);
  return seen;
}

describe('the splitter', () => {
  const bytes = Buffer.from(`<?xml version='1.0'?>${streamHeader}\n${sampleStanzas.join(' \n')}</stream:stream>`);
  const expected = { headers: [streamHeader], stanzas: sampleStanzas, endCount: 1 };

  test('gives the same stanzas for a cut at every byte', () => {
    for (let at = 0; at <= bytes.length; at += 1)
      expect(split([bytes.subarray(0, at), bytes.subarray(at)])).toEqual(expected);
  });

  test('gives the same stanzas for any set of cuts', () => {
    const cuts = fc.uniqueArray(fc.integer({ min: 0, max: bytes.length }), { maxLength: 40 });
    fc.assert(
      fc.property(cuts, (unsorted) => {
        const at = [0, ...unsorted.sort((a, b) => a - b), bytes.length];
        const chunks = at.slice(1).map((end, n) => bytes.subarray(at[n], end));
        expect(split(chunks)).toEqual(expected);
      }),
    );
  });

  test('starts anew after a reset, also from inside an event', () => {
    const headers: string[] = [];
    const splitter = makeSplitter({
      onHeader: (tag) => headers.push(tag),
      onStanza: () => splitter.reset(),
      onEnd: () => undefined,
    });
    splitter.write(Buffer.from('<a><success/>'));
    splitter.write(Buffer.from('<b>'));
    expect(headers).toEqual(['<a>', '<b>']);
  });
});

describe('elements', () => {
  test('the namespace in force is inherited', () => {
    const iq = parseXml(`<iq><query xmlns="one"><item/><item xmlns="two"/></query></iq>`);
    const [first, second] = iq.child('query')?.elements('item') ?? [];
    expect([iq.ns, first?.ns, second?.ns]).toEqual(['', 'one', 'two']);
    expect(iq.child('query')?.child('item', 'two')).toBe(second);
    expect(iq.child('query', 'two')).toBeUndefined();
  });

  test('an undefined attribute is left out', () => {
    expect(xml('iq', { to: undefined, id: '1' }).toString()).toBe('<iq id="1"/>');
  });

  test.each([
    ['an unclosed element', '<a><b></a>'],
    ['an unknown entity', '<a>&foo;</a>'],
    ['nothing', ''],
  ])('%s is refused', (_what, text) => {
    expect(() => parseXml(text)).toThrow();
  });

  test('what is written is read back', () => {
    const text = fc.string({ unit: 'grapheme', minLength: 1 }).filter((s) => !/[\0-\x1f\ufffe\uffff]/.test(s));
    const name = fc.stringMatching(/^[a-z]{1,8}$/);
    const leaf = fc.tuple(name, fc.dictionary(name, text, { maxKeys: 3 }), fc.option(text));
    const build = ([tag, attrs, inside]: [string, Record<string, string>, string | null], below: Element[]): Element =>
      xml(tag, attrs, ...(inside === null ? [] : [inside]), ...below);
    const level = (below: fc.Arbitrary<Element>): fc.Arbitrary<Element> =>
      fc.tuple(leaf, fc.array(below, { maxLength: 3 })).map(([own, children]) => build(own, children));
    const tree = level(level(level(leaf.map((own) => build(own, [])))));
    fc.assert(fc.property(tree, (element) => expect(parseXml(element.toString()).toString()).toBe(element.toString())));
  });
});
