/** Bounds: what a hostile or broken client can cost the server; and the server's XML against a generator. */
import fc from 'fast-check';
import { Framer } from '../../support/ximss-server/tcp/framing';
import { el, parseXml, toXml, XmlError, type El } from '../../support/ximss-server/xml';
import { alice, bob, makeHarness } from './harness';

const { boot, dial, loggedIn, down } = makeHarness();
afterEach(down);

describe('XML', () => {
  const name = fc.stringMatching(/^[A-Za-z_][A-Za-z0-9_.:-]{0,8}$/);
  const legal = fc
    .string({ unit: 'binary' })
    .map((text) => text.replace(/[\0-\x08\x0b\x0c\x0e-\x1f\ufffe\uffff]|\p{Surrogate}/gu, ''));
  const tree: fc.Memo<El> = fc.memo((depth) =>
    fc
      .record({
        name,
        attrs: fc.dictionary(name, legal, { maxKeys: 3, noNullPrototype: true }),
        children:
          depth <= 1
            ? fc.constant([])
            : fc.array(fc.oneof(legal, tree(depth - 1)), { maxLength: 3 }).map((list) => {
                // Neighbouring texts would be read as one, empty ones not at all.
                return list.filter(
                  (item, at) => item !== '' && !(typeof item === 'string' && typeof list[at - 1] === 'string'),
                );
              }),
      })
      .map((parts) => el(parts.name, parts.attrs, ...parts.children)),
  );

  test('what is written is read back the same', () => {
    fc.assert(fc.property(tree(4), (root) => expect(parseXml(toXml(root)).root).toEqual(root)));
  });

  test('framing does not depend on how the bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(
          legal.map((text) => text.replace(/\0/g, '')),
          { maxLength: 4 },
        ),
        fc.array(fc.nat(20)),
        (texts, cuts) => {
          const bytes = Buffer.from(texts.map((text) => text + '\0').join(''));
          const framer = new Framer(100_000);
          const got: string[] = [];
          let at = 0;
          for (const cut of [...cuts, bytes.length]) {
            framer.push(bytes.subarray(at, at + cut), (text) => got.push(text));
            at += cut;
          }
          expect(got).toEqual(texts);
        },
      ),
    );
  });

  test('arbitrary text is read or refused, never anything else', () => {
    const pieces = fc.array(
      fc.constantFrom('<a', '>', '</a>', '/>', ' b="', '"', '&', '&lt;', '<![CDATA[', ']]>', '<!--', '<?', 'x', '='),
    );
    fc.assert(
      fc.property(pieces, (list) => {
        try {
          parseXml(list.join(''));
        } catch (error) {
          expect(error).toBeInstanceOf(XmlError);
        }
      }),
    );
  });

  test.each([
    ['&#0;'],
    ['&#xD800;'],
    ['&#xFFFF;'],
    ['&#x110000;'],
    ['&nbsp;'],
    ['&constructor;'],
    ['&'],
    ['\u0001'],
    [']]>'],
    ['<b c="1" c="2"/>'],
    ['<b c=1/>'],
    ['<b c="<"/>'],
    ['<b __proto__="x"/>'],
    ['<1/>'],
    ['< b/>'],
  ])('refused inside an element: %s', (text) => {
    expect(() => parseXml(`<a>${text}</a>`)).toThrow(XmlError);
  });

  test('a declaration is told, line ends are folded, CDATA is text', () => {
    const { root, declared } = parseXml('<?xml version="1.0"?>\n<a b="x\r\ny">1\r\n2\r3<![CDATA[<&]]></a>\n');
    expect(declared).toBe(true);
    expect(root).toEqual(el('a', { b: 'x y' }, '1\n2\n3', '<&'));
  });
});

describe('limits', () => {
  test('a larger document is taken only after login', async () => {
    const server = await boot();
    const far = server.client(bob);
    const client = await loggedIn();
    await client.ask(`<sendIM id="1" peer="${bob}">${'x'.repeat(200_000)}</sendIM>`);
    expect(far.of('im')[0]?.text).toHaveLength(200_000);
    client.send(`<sendIM id="2" peer="${bob}">${'x'.repeat(1_100_000)}</sendIM>`);
    await client.closed();
  });

  test('ten wrong passwords end the connection', async () => {
    await boot();
    const client = await dial();
    for (let tries = 0; tries < 10; tries++) client.send(`<login id="${tries}" authData="${alice}" password="x"/>`);
    await client.closed();
    expect(client.docs).toHaveLength(10);
  });

  test('requests behind a slow one wait, in bounded number, and all are answered', async () => {
    const server = await boot();
    const client = await loggedIn();
    server.faults.add({ request: 'readTime', action: 'delay', ms: 30 });
    client.send('<readTime id="slow"/>', ...Array.from({ length: 5000 }, (_, at) => `<noop id="n${at}"/>`));
    await client.until(/id="n4999"/);
    expect(client.docs.filter((doc) => doc.startsWith('<response'))).toHaveLength(5003);
  });

  test('who does not read is cut off', async () => {
    const server = await boot({ maxUnreadBytes: 100_000 });
    const client = await loggedIn();
    const far = server.client(bob);
    client.stopReading();
    for (let turn = 0; turn < 2000 && server.sessions().some((session) => session.transport === 'tcp'); turn++) {
      far.sendIM(alice, 'x'.repeat(100_000));
      await new Promise(setImmediate);
    }
    expect(server.strict.violations).toEqual([`${alice}: leaves its output unread`]);
  });

  test('silence before login ends the connection', async () => {
    await boot({ idleTimeoutMs: 40 });
    const client = await dial();
    await client.closed();
  });

  test('attributes that look like object internals do no harm', async () => {
    const server = await boot();
    const client = await loggedIn();
    const answer = await client.ask('<constructor id="1" toString="x" hasOwnProperty="y"/>');
    expect(answer[0]).toContain('unknown command');
    await client.ask(`<sendIM id="2" peer="${bob}"><constructor/>a</sendIM>`);
    expect(server.strict.violations).toContain(`${alice}: sendIM: unknown child <constructor>`);
  });
});
