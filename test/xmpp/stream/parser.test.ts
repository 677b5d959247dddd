import fc from 'fast-check';
import { Fault } from '../../../src/core/fault';
import { makeParser, type Parser, type ParserLimits } from '../../../src/xmpp/stream/parser';
import { Element } from '../../../src/xmpp/stanza/element';

const streamHeader = `<?xml version='1.0'?><stream:stream xmlns='jabber:component:accept' xmlns:stream='http://etherx.jabber.org/streams' id='s1' from='d.test'>`;
const parserLimits = { stanzaBytes: 4096, depthCount: 20 };

/** What a parser reported, as lines. */
function record(limits: ParserLimits = parserLimits): { parser: Parser; seen: string[]; stanzas: Element[] } {
  const seen: string[] = [];
  const stanzas: Element[] = [];
  const parser = makeParser(limits, {
    onHeader: (header) => seen.push(`header ${header.attrs['id']}`),
    onStanza(stanza) {
      seen.push(stanza.toString());
      stanzas.push(stanza);
    },
    onOversize: (shell, fault) => seen.push(`oversize ${shell?.toString() ?? 'unknown'} ${String(fault.cause)}`),
    onEnd: () => seen.push('end'),
  });
  return { parser, seen, stanzas };
}

function feed(text: string | Uint8Array, limits: ParserLimits = parserLimits): string[] {
  const { parser, seen } = record(limits);
  parser.write(Buffer.from(streamHeader));
  parser.write(Buffer.from(text));
  return seen.slice(1);
}

describe('what is read', () => {
  test.each<[string, string, string[]]>([
    ['an empty stanza', '<presence/>', ['<presence/>']],
    ['white space between stanzas', ' <presence/>\r\n\t<iq/> ', ['<presence/>', '<iq/>']],
    ['nested elements and text', '<a>x<b>y</b>z</a>', ['<a>x<b>y</b>z</a>']],
    ['both quotes and > in a value', `<a b='"' c=">'"/>`, [`<a b="&quot;" c="&gt;&apos;"/>`]],
    ['white space around attributes', "<a  b = 'c'\n d='e' />", ['<a b="c" d="e"/>']],
    ['line ends in a value become spaces', "<a b='1\r\n2\n3\t4'/>", ['<a b="1 2 3 4"/>']],
    ['line ends in text become one newline', '<a>1\r\n2\r3\n</a>', ['<a>1\n2\n3\n</a>']],
    ['escaped line ends stay', "<a b='&#10;'>&#13;&#x9;</a>", ['<a b="\n">\r\t</a>']],
    ['the five entities', '<a>&lt;&gt;&amp;&quot;&apos;</a>', [`<a>&lt;&gt;&amp;"'</a>`]],
    ['character references', '<a>&#65;&#x1F600;</a>', ['<a>A😀</a>']],
    ['nothing is unescaped twice', '<a>&amp;lt;</a>', ['<a>&amp;lt;</a>']],
    ['CDATA', '<a>1<![CDATA[<&]]]]>2</a>', ['<a>1&lt;&amp;]]2</a>']],
    ['empty CDATA', '<a><![CDATA[]]></a>', ['<a/>']],
    ['white space before the end of a closing tag', '<a></a >', ['<a/>']],
    ['names with colons and letters of any script', '<x:ü xmlns:x="u" é="1"/>', ['<x:ü xmlns:x="u" é="1"/>']],
    ['the end of the stream', '<a/></stream:stream><b/>', ['<a/>', 'end']],
    ['names of Object.prototype are names', '<a constructor="1" toString="2"/>', ['<a constructor="1" toString="2"/>']],
  ])('%s', (_what, text, expected) => {
    expect(feed(text)).toEqual(expected);
  });

  test('prefixes declared on the stream are known in stanzas', () => {
    const { parser, stanzas } = record();
    parser.write(Buffer.from(`${streamHeader}<stream:error/><a><b xmlns="c"/></a>`));
    expect(stanzas[0]?.getNS()).toBe('http://etherx.jabber.org/streams');
    expect(stanzas[1]?.getNS()).toBe('jabber:component:accept');
  });
});

describe('what is refused', () => {
  test.each<[string, string | Uint8Array, string]>([
    ['a document type', '<!DOCTYPE a>', 'xml-forbidden'],
    ['a document type with entities', '<!DOCTYPE a [<!ENTITY x "y">]>', 'xml-forbidden'],
    ['a comment between stanzas', '<!-- hello -->', 'xml-forbidden'],
    ['a comment in a stanza', '<a>1<!-- hello -->2</a>', 'xml-forbidden'],
    ['a processing instruction', '<a><?php 1 ?></a>', 'xml-forbidden'],
    ['a second XML declaration', `<?xml version='1.0'?>`, 'xml-forbidden'],
    ['an entity', '<a>&foo;</a>', 'xml-forbidden'],
    ['an entity in a value', '<a b="&foo;"/>', 'xml-forbidden'],
    ['a reference to NUL', '<a>&#0;</a>', 'xml-malformed'],
    ['a reference to a surrogate', '<a>&#xD800;</a>', 'xml-malformed'],
    ['a reference to a noncharacter', '<a>&#xFFFF;</a>', 'xml-malformed'],
    ['a reference beyond Unicode', '<a>&#x110000;</a>', 'xml-malformed'],
    ['a reference without a number', '<a>&#;</a>', 'xml-malformed'],
    ['a bare ampersand', '<a>fish & chips</a>', 'xml-malformed'],
    ['a raw NUL', '<a>\0</a>', 'xml-malformed'],
    ['a raw control character', '<a>\u0008</a>', 'xml-malformed'],
    ['U+FFFE', '<a>\ufffe</a>', 'xml-malformed'],
    ['bad UTF-8', Buffer.from([0x3c, 0x61, 0x3e, 0xff, 0x3c]), 'xml-malformed'],
    ['an overlong encoding', Buffer.from([0x3c, 0x61, 0x3e, 0xc0, 0xaf]), 'xml-malformed'],
    ['a UTF-8 surrogate', Buffer.from([0x3c, 0x61, 0x3e, 0xed, 0xa0, 0x80, 0x3c]), 'xml-malformed'],
    ['an attribute given twice', '<a b="1" b="2"/>', 'xml-malformed'],
    ['an attribute without a value', '<a b/>', 'xml-malformed'],
    ['an attribute without quotes', '<a b=1/>', 'xml-malformed'],
    ['no space between attributes', '<a b="1"c="2"/>', 'xml-malformed'],
    ['< in a value', '<a b="<"/>', 'xml-malformed'],
    ['< in a tag', '<a <b/>', 'xml-malformed'],
    ['a tag without a name', '< a/>', 'xml-malformed'],
    ['an empty tag', '<>', 'xml-malformed'],
    ['tags that cross', '<a><b></a></b>', 'xml-malformed'],
    ['a stanza closed by another name', '<a></b>', 'xml-malformed'],
    ['the stream closed by another name', '</stream>', 'xml-malformed'],
    ['text between stanzas', '<a/>x<b/>', 'xml-malformed'],
    ['CDATA between stanzas', '<![CDATA[x]]>', 'xml-malformed'],
    [']]> in text', '<a>]]></a>', 'xml-malformed'],
    ['sixty-five attributes', `<a ${Array.from({ length: 65 }, (_, i) => `a${i}="1"`).join(' ')}/>`, 'xml-malformed'],
  ])('%s', (_what, input, code) => {
    let thrown: unknown;
    try {
      feed(input);
    } catch (error) {
      thrown = error;
    }
    expect(thrown).toBeInstanceOf(Fault);
    expect((thrown as Fault).code).toBe(code); // just checked
  });

  test('a header over the limit', () => {
    const { parser } = record();
    expect(() => parser.write(Buffer.from(`<stream:stream a='${'x'.repeat(9000)}'>`))).toThrow(
      expect.objectContaining({ code: 'xml-limit' }) as Error, // jest types asymmetric matchers as any
    );
  });

  test('anything before the XML declaration', () => {
    const { parser } = record();
    expect(() => parser.write(Buffer.from(` ${streamHeader}`))).toThrow(Fault);
  });
});

describe('limits: the stanza is skipped, the stream goes on', () => {
  const next = ['<presence/>'];
  const shell = '<message from="a@b" id="1"/>';
  const open = "<message from='a@b' id='1'>";
  test.each<[string, string, string]>([
    ['a long text', `${open}<body>${'x'.repeat(5000)}</body></message>`, `oversize ${shell} bytes`],
    [
      'a long text that is two bytes a letter',
      `${open}<body>${'я'.repeat(2100)}</body></message>`,
      `oversize ${shell} bytes`,
    ],
    ['a long CDATA', `${open}<![CDATA[${'<a>'.repeat(3000)}]]></message>`, `oversize ${shell} bytes`],
    ['a long value', `${open}<x a='${'>'.repeat(5000)}'/></message>`, `oversize ${shell} bytes`],
    ['many elements', `${open}${'<x/>'.repeat(2000)}</message>`, `oversize ${shell} bytes`],
    [
      'ten thousand levels',
      `${open}${'<a>'.repeat(10_000)}${'</a>'.repeat(10_000)}</message>`,
      `oversize ${shell} depth`,
    ],
    ['twenty-one levels', `${open}${'<a>'.repeat(20)}${'</a>'.repeat(20)}</message>`, `oversize ${shell} depth`],
    ['a long outer tag', `<message a='${'x'.repeat(5000)}'><body/></message>`, 'oversize unknown bytes'],
    ['a long outer tag without content', `<message a='${'x'.repeat(5000)}'/>`, 'oversize unknown bytes'],
  ])('%s', (_what, text, expected) => {
    expect(feed(`${text}<presence/>`)).toEqual([expected, ...next]);
    const { parser, seen } = record();
    for (const byte of Buffer.from(`${streamHeader}${text}<presence/>`)) parser.write(Uint8Array.of(byte));
    expect(seen.slice(1)).toEqual([expected, ...next]);
  });

  test('twenty levels and white space between stanzas are within the limits', () => {
    const deep = `<m>${'<a>'.repeat(19)}${'</a>'.repeat(19)}</m>`;
    expect(feed(`${' '.repeat(9000)}${deep}`)).toHaveLength(1);
    expect(feed(`${'<a/>'.repeat(5000)}`)).toHaveLength(5000);
  });

  test('a stanza may be allowed more by its opening tag; the next one may not', () => {
    const limits = {
      ...parserLimits,
      bytesFor: ({ name }: Element) => (name === 'iq' ? 50_000 : parserLimits.stanzaBytes),
    };
    const roster = (count: number): string => `<iq id='r'>${"<item jid='a'/>".repeat(count)}</iq>`;
    const seen = feed(`${roster(2000)}${open}${'<x/>'.repeat(2000)}</message>${roster(9000)}<presence/>`, limits);
    expect(seen.map((line) => line.slice(0, 40))).toEqual([
      expect.stringMatching(/^<iq id="r"><item/),
      expect.stringMatching(/^oversize <message/),
      expect.stringMatching(/^oversize <iq id="r"\/> bytes/),
      '<presence/>',
    ]);
  });

  test('comments are refused in what is skipped too', () => {
    expect(() => feed(`${open}${'x'.repeat(5000)}<!-- -->`)).toThrow(Fault);
  });
});

describe('any cut of the bytes gives the same', () => {
  const text =
    `${streamHeader} <message to='я@d.test'><body>Привет, 😀&amp;&#x1F600; <![CDATA[]] <b>]]]]></body>` +
    `<x xmlns='y' a='>"1"' b=">'"/></message>\n<iq><a/></iq></stream:stream>`;
  const bytes = Buffer.from(text);
  const whole = record();
  whole.parser.write(bytes);

  test('byte by byte, and at every single place', () => {
    expect(whole.seen).toHaveLength(4);
    for (let at = 0; at <= bytes.length; at += 1) {
      const { parser, seen } = record();
      parser.write(bytes.subarray(0, at));
      parser.write(bytes.subarray(at));
      expect(seen).toEqual(whole.seen);
    }
  });

  test('property: at any places', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(bytes.length), { maxLength: 30 }), (places) => {
        const { parser, seen } = record();
        const cuts = [0, ...places.sort((a, b) => a - b), bytes.length];
        cuts.slice(1).forEach((cut, i) => parser.write(bytes.subarray(cuts[i], cut)));
        expect(seen).toEqual(whole.seen);
      }),
    );
  });

  test('property: what the serialiser writes is read back', () => {
    const legal = fc
      .string({ unit: 'grapheme' })
      .filter((text) => !/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]/.test(text));
    fc.assert(
      fc.property(legal, legal, fc.integer({ min: 1, max: 7 }), (value, inner, size) => {
        const stanza = new Element('message', { a: value.replace(/[\t\r\n]/g, '') });
        if (inner !== '') stanza.append(inner.replace(/\r/g, ''));
        const { parser, stanzas } = record();
        const sent = Buffer.from(streamHeader + stanza.toString());
        for (let at = 0; at < sent.length; at += size) parser.write(sent.subarray(at, at + size));
        expect(stanzas[0]?.attrs['a']).toBe(stanza.attrs['a']);
        expect(stanzas[0]?.getText()).toBe(stanza.getText());
      }),
    );
  });
});

test('property: whatever comes, nothing but a Fault is thrown', () => {
  const pieces = fc.constantFrom('<', '>', '/', '"', "'", '=', ' ', 'a', ':', '&', ';', '#', '!', '?', '[', ']', '-', 'x1', '<a>', '</a>', '<![CDATA[', ']]>', '&lt;', '\0', 'я'); // prettier-ignore
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 40 }), fc.uint8Array({ maxLength: 8 }), (parts, tail) => {
      const { parser } = record({ stanzaBytes: 60, depthCount: 3 });
      try {
        for (const bytes of ["<stream:stream xmlns:stream='s'>", ...parts]) parser.write(Buffer.from(bytes));
        parser.write(tail);
      } catch (error) {
        expect(error).toBeInstanceOf(Fault);
      }
    }),
    { numRuns: 500 },
  );
});

test('after end() nothing is reported, in the same write either', () => {
  const { parser, seen } = record();
  parser.write(Buffer.from(streamHeader));
  parser.end();
  parser.write(Buffer.from('<a/>'));
  expect(seen).toEqual(['header s1']);
});
