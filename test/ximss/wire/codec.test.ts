import fc from 'fast-check';
import { Fault } from '../../../src/core/fault';
import { makeCodec, type Limits } from '../../../src/ximss/wire/codec';
import { el, serialise, type Element } from '../../../src/ximss/wire/element';
import { TcpFramer } from '../../../src/ximss/wire/tcp-framing';
import { parseXml } from '../../support/ximss-server/xml';

const small: Partial<Limits> = {
  documentBytes: 2_000,
  depth: 8,
  elementCount: 50,
  attributeCount: 5,
  attributeLength: 100,
};

function decode(text: string | Uint8Array, limits: Partial<Limits> = small): Element | string {
  const codec = makeCodec(limits);
  try {
    return codec.decode(typeof text === 'string' ? Buffer.from(text) : text);
  } catch (error) {
    if (error instanceof Fault) return error.code;
    throw error;
  }
}

describe('what is read', () => {
  test.each<[string, string, Element]>([
    ['an empty element', '<a/>', el('a')],
    ['attributes in either quotes', `<a b="1" c='2'/>`, el('a', { b: '1', c: '2' })],
    ['text and children in order', '<a>x<b/>y</a>', el('a', {}, 'x', el('b'), 'y')],
    ["XML's five entities", '<a b="&quot;&apos;">&lt;&gt;&amp;</a>', el('a', { b: `"'` }, '<>&')],
    ['numbers of characters', '<a>&#65;&#x42;&#x1F600;&#13;</a>', el('a', {}, 'AB😀\r')],
    ['CDATA, joined with the text around it', '<a>1<![CDATA[<&]]>2</a>', el('a', {}, '1<&2')],
    [
      'what looks like markup inside CDATA',
      '<a><![CDATA[<!DOCTYPE &x; <?y?>]]></a>',
      el('a', {}, '<!DOCTYPE &x; <?y?>'),
    ],
    ['a declaration in front', '<?xml version="1.0"?><a/>', el('a')],
    ['a byte order mark', '\ufeff<a/>', el('a')],
    ['white space around the root', ' \n<a/>\r\n', el('a')],
    ['line ends made one', '<a>1\r\n2\r3</a>', el('a', {}, '1\n2\n3')],
    ['characters that XML forbids, left out', '<a b="\u0007x">\u0001y\uffff</a>', el('a', { b: 'x' }, 'y')],
    [
      'names that objects have',
      '<a constructor="1" hasOwnProperty="2" x="3"/>',
      el('a', { constructor: '1', hasOwnProperty: '2', x: '3' }),
    ],
  ])('%s', (_, text, expected) => {
    expect(decode(text)).toEqual(expected);
  });

  test('a text of many pieces is one piece', () => {
    const text = 'ж'.repeat(200_000);
    expect(decode(`<a>${text}</a>`, { documentBytes: 1_000_000 })).toEqual(el('a', {}, text));
  });

  test('removed characters are counted', () => {
    const counts: number[] = [];
    makeCodec({}, (count) => counts.push(count)).decode(Buffer.from('<a>\u0001\u0002x</a>'));
    expect(counts).toEqual([2]);
  });
});

describe('what is refused', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['nothing', '', 'xml-malformed'],
    ['only white space', ' \n', 'xml-malformed'],
    ['text without an element', 'hello', 'xml-malformed'],
    ['text before the root', 'x<a/>', 'xml-malformed'],
    ['text behind the root', '<a/>x', 'xml-malformed'],
    ['CDATA beside the root', '<a/><![CDATA[x]]>', 'xml-malformed'],
    ['a second root', '<a/><b/>', 'xml-malformed'],
    ['an element without end', '<a>', 'xml-malformed'],
    ['a wrong end tag', '<a></b>', 'xml-malformed'],
    ['an end tag alone', '</a>', 'xml-malformed'],
    ['a cut tag', '<a b="', 'xml-malformed'],
    ['an attribute without quotes', '<a b=1/>', 'xml-malformed'],
    ['an attribute without value', '<a b/>', 'xml-malformed'],
    ['an attribute twice', '<a b="1" b="2"/>', 'xml-malformed'],
    ['CDATA without end', '<a><![CDATA[x</a>', 'xml-malformed'],
    ['a number that is no character', '<a>&#0;</a>', 'xml-malformed'],
    ['a surrogate as a number', '<a>&#xD800;</a>', 'xml-malformed'],
    ['a cut UTF-8 sequence', Uint8Array.of(0x3c, 0x61, 0x3e, 0xc3, 0x3c, 0x2f, 0x61, 0x3e), 'xml-malformed'],
    [
      'an overlong UTF-8 sequence',
      Uint8Array.of(0x3c, 0x61, 0x3e, 0xc0, 0xaf, 0x3c, 0x2f, 0x61, 0x3e),
      'xml-malformed',
    ],
    ['UTF-16', Buffer.from('<a/>', 'utf16le'), 'xml-malformed'],
    ['a DOCTYPE', '<!DOCTYPE a><a/>', 'xml-forbidden'],
    ['an internal subset', '<!DOCTYPE a [<!ENTITY x "y">]><a>&x;</a>', 'xml-forbidden'],
    ['an external entity', '<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>', 'xml-forbidden'],
    ['a comment', '<a><!-- --></a>', 'xml-forbidden'],
    ['a processing instruction', '<a><?x y?></a>', 'xml-forbidden'],
    ['a declaration in the middle', '<a><?xml version="1.0"?></a>', 'xml-forbidden'],
    ['an entity of HTML', '<a>&nbsp;</a>', 'xml-forbidden'],
    ['an entity with the name of an object method', '<a>&constructor;</a>', 'xml-forbidden'],
    ['an entity in capitals', '<a>&AMP;</a>', 'xml-forbidden'],
    ['a bare ampersand', '<a>a & b</a>', 'xml-forbidden'],
    ['a bare ampersand at the end', '<a>&</a>', 'xml-forbidden'],
    ['an entity in an attribute', '<a b="&x;"/>', 'xml-forbidden'],
    ['an attribute that would be a prototype', '<a __proto__="x"/>', 'xml-forbidden'],
    ['too many bytes', `<a>${'x'.repeat(2_000)}</a>`, 'xml-limit'],
    ['too deep', '<a>'.repeat(9) + '</a>'.repeat(9), 'xml-limit'],
    ['too many elements', `<a>${'<b/>'.repeat(50)}</a>`, 'xml-limit'],
    ['too many attributes', '<a a="" b="" c="" d="" e="" f=""/>', 'xml-limit'],
    ['too long an attribute', `<a b="${'x'.repeat(101)}"/>`, 'xml-limit'],
  ])('%s', (_, text, expected) => {
    expect(decode(text)).toBe(expected);
  });

  test('the limits themselves are allowed', () => {
    expect(decode('<a>'.repeat(8) + '</a>'.repeat(8))).not.toBe('xml-limit');
    expect(decode(`<a>${'<b/>'.repeat(49)}</a>`)).not.toBe('xml-limit');
    expect(decode(`<a b="${'x'.repeat(100)}" c="" d="" e="" f=""/>`)).not.toBe('xml-limit');
    expect(decode(`<a>${'x'.repeat(1_993)}</a>`)).not.toBe('xml-limit');
  });

  test('a codec that refused something reads the next document as if nothing had been', () => {
    const codec = makeCodec(small);
    for (const bad of ['<a><b>', '<a b="1" b="2"/>', 'x', '<a>&#0;</a>', '<a>'.repeat(9)]) {
      expect(() => codec.decode(Buffer.from(bad))).toThrow(Fault);
      expect(codec.decode(Buffer.from('<c>1</c>'))).toEqual(el('c', {}, '1'));
    }
  });

  test('unfinished CDATA again and again is refused in linear time', () => {
    expect(decode(`<a>${'<![CDATA['.repeat(100_000)}</a>`, { documentBytes: 2_000_000 })).toBe('xml-malformed');
  });
});

const name = fc.stringMatching(/^[a-zA-Z_][a-zA-Z0-9_.-]{0,8}$/).filter((text) => text !== '__proto__');
const text = fc
  .string({ unit: 'grapheme', maxLength: 30 })
  .map((raw) => raw.replace(/[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\u{10000}-\u{10ffff}]/gu, ''));
const { tree } = fc.letrec<{ tree: Element }>((tie) => ({
  tree: fc
    .record({
      name,
      attrs: fc.dictionary(name, text, { maxKeys: 4, noNullPrototype: true }),
      children: fc.array(fc.oneof({ depthSize: 'small' }, text, tie('tree')), { maxLength: 4 }),
    })
    .map(({ name: itsName, attrs, children }) => el(itsName, attrs, ...joined(children))),
}));

/** Neighbouring texts cannot be told apart on the wire. */
function joined(children: readonly (Element | string)[]): (Element | string)[] {
  const out: (Element | string)[] = [];
  for (const child of children) {
    const last = out.at(-1);
    if (typeof child === 'string' && typeof last === 'string') out[out.length - 1] = last + child;
    else out.push(child);
  }
  return out;
}

/** Everything that framer and codec make of some bytes, however they are cut. */
function read(bytes: Uint8Array, cuts: readonly number[], limits: Partial<Limits> = {}): (Element | string)[] {
  const codec = makeCodec(limits);
  const framer = new TcpFramer(codec.limits.documentBytes);
  const seen: (Element | string)[] = [];
  const sink = {
    onFrame: (frame: Uint8Array) => {
      try {
        seen.push(codec.decode(frame));
      } catch (error) {
        if (!(error instanceof Fault)) throw error;
        seen.push(error.code);
      }
    },
    onOversize: (fault: Fault) => void seen.push(fault.code),
  };
  const places = [...new Set([0, ...cuts.map((cut) => cut % (bytes.length + 1)), bytes.length])].sort((a, b) => a - b);
  places.forEach((place, index) => {
    if (index > 0) framer.push(bytes.subarray(places[index - 1], place), sink);
  });
  return seen;
}

const cuts = fc.array(fc.nat(10_000), { maxLength: 12 });

describe('properties', () => {
  test('what is written is read again, whatever the split of the bytes', () => {
    fc.assert(
      fc.property(fc.array(tree, { maxLength: 5 }), cuts, (documents, places) => {
        expect(read(makeCodec().encode(documents), places)).toEqual(documents);
      }),
    );
  });

  test('one byte at a time', () => {
    const documents = [el('a', { b: 'ж' }, '😀\u2028'), el('c')];
    const bytes = makeCodec().encode(documents);
    expect(read(bytes, Array.from(bytes.keys()))).toEqual(documents);
  });

  test('what is written is what another parser reads', () => {
    fc.assert(
      fc.property(tree, (document) => {
        const there = parseXml(serialise(document), { depth: 1000, attributeCount: 1000, elementCount: 100_000 }).root;
        const plain = ({ name: itsName, attrs, children }: typeof there): Element =>
          el(itsName, attrs, ...joined(children.map((child) => (typeof child === 'string' ? child : plain(child)))));
        expect(plain(there)).toEqual(document);
      }),
    );
  });

  test('any bytes are documents or named faults, and the same ones for any split', () => {
    const soup = fc.oneof(
      fc.uint8Array({ maxLength: 300 }),
      fc
        .array(
          fc.constantFrom(
            '<',
            '>',
            '/',
            'a',
            '<a>',
            '</a>',
            '<a/>',
            '&amp;',
            '&',
            ';',
            '"',
            "b='",
            '<![CDATA[',
            ']]>',
            '<!--',
            '<?',
            '\0',
            'ж',
            ' ',
          ),
          { maxLength: 60 },
        )
        .map((parts) => Buffer.from(parts.join(''))),
    );
    fc.assert(
      fc.property(soup, cuts, (bytes, places) => {
        const whole = read(bytes, [], small);
        expect(read(bytes, places, small)).toEqual(whole);
        for (const seen of whole) {
          if (typeof seen === 'string') expect(seen).toMatch(/^xml-(malformed|forbidden|limit)$/);
        }
      }),
      { numRuns: 500 },
    );
  });

  test('never more is buffered than the limit, and nothing between documents', () => {
    const buffered = (framer: TcpFramer): number =>
      (framer as unknown as { buffer: Buffer | null }).buffer?.length ?? 0; // looks inside on purpose
    fc.assert(
      fc.property(fc.array(fc.uint8Array({ minLength: 1, maxLength: 400 }), { maxLength: 20 }), (chunks) => {
        const framer = new TcpFramer(1_000);
        const sink = { onFrame: () => undefined, onOversize: () => undefined };
        for (const chunk of chunks) {
          framer.push(chunk, sink);
          expect(buffered(framer)).toBeLessThanOrEqual(1_000);
        }
        framer.push(Uint8Array.of(0), sink);
        expect(buffered(framer)).toBe(0);
        expect(framer.isHolding).toBe(false);
      }),
    );
  });

  test('a document that is too long costs itself, not its neighbours', () => {
    const bytes = Buffer.from(`<a/>\0<b>${'x'.repeat(5_000)}</b>\0<c/>\0`);
    for (const step of [1, 7, 1_000, 10_000]) {
      const places = Array.from({ length: Math.ceil(bytes.length / step) }, (_, index) => index * step);
      expect(read(bytes, places, small)).toEqual([el('a'), 'xml-limit', el('c')]);
    }
  });
});

describe('what is written', () => {
  test.each<[string, Element, string]>([
    ['double quotes, the id where it was put', el('response', { id: '1', b: '2' }), '<response id="1" b="2"/>'],
    ['markup in text', el('a', {}, '<&>"\''), '<a>&lt;&amp;&gt;"\'</a>'],
    ['markup in attributes', el('a', { b: '<&>"\'\n\t\r' }), '<a b="&lt;&amp;&gt;&quot;\'&#10;&#9;&#13;"/>'],
    ['a carriage return in text survives', el('a', {}, '\r\n'), '<a>&#13;\n</a>'],
    ['what XML cannot carry', el('a', { b: '\u0000x' }, '\u0007y\ud800'), '<a b="x">y</a>'],
    ['undefined attributes are left out', el('a', { b: undefined, c: '' }), '<a c=""/>'],
    ['empty text is no child', el('a', {}, ''), '<a/>'],
  ])('%s', (_, element, expected) => {
    expect(serialise(element)).toBe(expected);
  });

  test.each([['a b'], [''], ['1a'], ['a><b']])('the name "%s" is a mistake of ours', (bad) => {
    expect(() => serialise(el(bad))).toThrow(Fault);
    expect(() => serialise(el('a', { [bad]: '' }))).toThrow(Fault);
  });
});
